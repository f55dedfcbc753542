-- Who uses the cluster, what they share and may use, and the trail of what was done.

CREATE TABLE IF NOT EXISTS users (
    -- the directory's own unchanging id: a name may be given to somebody else one day
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    owner VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    role VARCHAR(24) NOT NULL,
    -- a JSON list
    member_of LONGTEXT NOT NULL,
    first_seen VARCHAR(24) NOT NULL,
    last_seen VARCHAR(24) NOT NULL,
    UNIQUE (owner)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE IF NOT EXISTS shares (
    app_id VARCHAR(64) NOT NULL,
    grantee VARCHAR(255) NOT NULL,
    access VARCHAR(24) NOT NULL,
    author VARCHAR(255) NOT NULL,
    created VARCHAR(24) NOT NULL,
    PRIMARY KEY (app_id, grantee),
    UNIQUE (grantee, app_id),
    FOREIGN KEY (app_id) REFERENCES apps (id)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE IF NOT EXISTS quotas (
    subject VARCHAR(255) NOT NULL,
    resource VARCHAR(24) NOT NULL,
    amount BIGINT NOT NULL,
    author VARCHAR(255) NOT NULL,
    changed VARCHAR(24) NOT NULL,
    PRIMARY KEY (subject, resource)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE IF NOT EXISTS audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at VARCHAR(24) NOT NULL,
    act VARCHAR(64) NOT NULL,
    person VARCHAR(255) NOT NULL,
    origin VARCHAR(255) NOT NULL,
    verb VARCHAR(63) NOT NULL,
    app VARCHAR(511) NOT NULL,
    hosts LONGTEXT NOT NULL,
    outcome VARCHAR(24) NOT NULL,
    detail LONGTEXT NOT NULL,
    deployment VARCHAR(64) NOT NULL,
    -- over this row and the hash of the one before
    hash VARCHAR(64) NOT NULL,
    -- what is written twice because its answer was lost stands there once
    UNIQUE (act, outcome),
    -- nothing more is made unique by these: they are the indexes that `nap audit` reads by
    UNIQUE (person, seq),
    UNIQUE (app, seq),
    UNIQUE (at, seq)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- The one row that every writer of the audit trail takes its turn at.
CREATE TABLE IF NOT EXISTS audit_head (
    id INTEGER NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash VARCHAR(64) NOT NULL,
    mark VARCHAR(64) NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

INSERT INTO audit_head (id, seq, hash, mark)
    SELECT 1, 0, '', '' FROM (SELECT 1 AS one) AS row_of_it
    WHERE NOT EXISTS (SELECT 1 FROM audit_head);
