"""The SQL of Engage's state: its tables, and how a difference is made and settled."""

SCHEMA = """
CREATE TABLE computation (
    id INTEGER PRIMARY KEY, destination TEXT, endpoint TEXT, kind TEXT, key TEXT, name TEXT,
    last_sync TEXT, UNIQUE (destination, endpoint, kind, key)
);
CREATE TABLE told (
    computation INTEGER, user TEXT, user_id TEXT, anonymous_id TEXT, email TEXT, value TEXT,
    round INTEGER, PRIMARY KEY (computation, user)
) WITHOUT ROWID;
CREATE TABLE incoming (
    user TEXT PRIMARY KEY, line INTEGER, user_id TEXT, anonymous_id TEXT, email TEXT, value TEXT,
    traits TEXT
) WITHOUT ROWID;
CREATE TABLE bad (line INTEGER, text TEXT, problem TEXT);
CREATE TABLE pending (
    computation INTEGER, n INTEGER, line INTEGER, user TEXT, user_id TEXT, anonymous_id TEXT,
    email TEXT, value TEXT, traits TEXT, round INTEGER, PRIMARY KEY (computation, n)
) WITHOUT ROWID;
"""

COMING = """
INSERT INTO pending
SELECT :id, row_number() OVER (ORDER BY i.line), i.line, i.user, i.user_id,
       coalesce(nullif(i.anonymous_id, ''), t.anonymous_id, ''),
       coalesce(nullif(i.email, ''), t.email, ''), i.value, i.traits, coalesce(t.round, 0)
FROM incoming i LEFT JOIN told t ON t.computation = :id AND t.user = i.user
WHERE t.value IS NULL OR t.value <> i.value
"""
GOING = """
INSERT INTO pending
SELECT :id, :after + row_number() OVER (ORDER BY t.user), 0, t.user, t.user_id, t.anonymous_id,
       t.email, :gone, '{}', t.round
FROM told t LEFT JOIN incoming i ON i.user = t.user
WHERE t.computation = :id AND i.user IS NULL AND t.value <> :gone
"""
TOLD = """
INSERT INTO told
SELECT computation, user, user_id, anonymous_id, email, value, round + 1
FROM pending WHERE computation = ? AND n = ?
ON CONFLICT (computation, user) DO UPDATE SET
    user_id = excluded.user_id, anonymous_id = excluded.anonymous_id, email = excluded.email,
    value = excluded.value, round = excluded.round
"""
STAGE = """
INSERT INTO incoming VALUES (:user, :line, :user_id, :anonymous_id, :email, :value, :traits)
ON CONFLICT (user) DO UPDATE SET
    line = excluded.line, user_id = excluded.user_id, anonymous_id = excluded.anonymous_id,
    email = excluded.email, value = excluded.value, traits = excluded.traits
"""
KNOWN = """
SELECT destination, endpoint, kind, key, name,
       (SELECT count(*) FROM told WHERE computation = c.id
        AND value <> CASE kind WHEN 'audience' THEN 'false' ELSE 'null' END),
       coalesce(last_sync, ''), (SELECT count(*) FROM pending WHERE computation = c.id)
FROM computation c ORDER BY destination, kind, key, endpoint
"""
NUMBER = """
INSERT INTO computation (destination, endpoint, kind, key, name) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (destination, endpoint, kind, key) DO UPDATE SET name = excluded.name RETURNING id
"""
FOUND = "SELECT id FROM computation WHERE key = ? AND destination = coalesce(?, destination)"
