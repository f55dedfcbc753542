-- What owners log in to registries with. Sealed: the password never stands here in clear.

CREATE TABLE IF NOT EXISTS credentials (
    owner VARCHAR(255) NOT NULL,
    registry VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    sealed LONGTEXT NOT NULL,
    changed VARCHAR(24) NOT NULL,
    PRIMARY KEY (owner, registry)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
