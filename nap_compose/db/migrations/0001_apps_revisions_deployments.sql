-- Read by SQLite and by MySQL. What stands in /*! … */ only MySQL takes in: to SQLite it is a
-- comment. Names and ids compare byte by byte in both. A statement ends with the line that ends
-- with a semicolon, and can be run again after a migration that was interrupted.

CREATE TABLE IF NOT EXISTS apps (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    owner VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    project VARCHAR(63) NOT NULL,
    created VARCHAR(24) NOT NULL,
    -- 1, or NULL once the app was removed: NULLs don't meet in the unique key, so its name is free
    live INTEGER NULL,
    removed VARCHAR(24) NOT NULL,
    UNIQUE (owner, name, live)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE IF NOT EXISTS revisions (
    app_id VARCHAR(64) NOT NULL,
    number INTEGER NOT NULL,
    digest VARCHAR(64) NOT NULL,
    sealed LONGTEXT NOT NULL,
    author VARCHAR(255) NOT NULL,
    created VARCHAR(24) NOT NULL,
    PRIMARY KEY (app_id, number),
    FOREIGN KEY (app_id) REFERENCES apps (id)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE IF NOT EXISTS deployments (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    app_id VARCHAR(64) NOT NULL,
    revision INTEGER NOT NULL,
    verb VARCHAR(63) NOT NULL,
    author VARCHAR(255) NOT NULL,
    origin VARCHAR(255) NOT NULL,
    started VARCHAR(24) NOT NULL,
    ended VARCHAR(24) NOT NULL,
    outcome VARCHAR(24) NOT NULL,
    error LONGTEXT NOT NULL,
    -- nothing more is made unique by this: it is the index that lists an app's deployments
    UNIQUE (app_id, started, id),
    FOREIGN KEY (app_id) REFERENCES apps (id)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE IF NOT EXISTS steps (
    deployment VARCHAR(64) NOT NULL,
    step VARCHAR(600) NOT NULL,
    position INTEGER NOT NULL,
    host VARCHAR(255) NOT NULL,
    subject LONGTEXT NOT NULL,
    phase VARCHAR(24) NOT NULL,
    started VARCHAR(24) NOT NULL,
    ended VARCHAR(24) NOT NULL,
    error LONGTEXT NOT NULL,
    PRIMARY KEY (deployment, step),
    FOREIGN KEY (deployment) REFERENCES deployments (id)
) /*! ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
