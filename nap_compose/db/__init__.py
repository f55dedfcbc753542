"""Records: apps, revisions, deployments; SQLite or MySQL behind one Protocol."""
