-- Apps that are somebody else's than whoever made them. What they stand under on the hosts, in the
-- state store and in every other table stays that of their maker.

CREATE TABLE IF NOT EXISTS given (
    maker VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    owner VARCHAR(255) NOT NULL,
    author VARCHAR(255) NOT NULL,
    since VARCHAR(24) NOT NULL,
    PRIMARY KEY (maker, name),
    UNIQUE (owner, name)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
