"""The SQL of Engage's state: its tables, and how changes are found and settled.

The table `told` holds what each vendor knows of each user: `value` is the last value that the
vendor accepted, `sent` a later value whose result is unknown. The current members and the bad rows
are in temporary tables on disk, for one sync only.
"""

CREATE_TABLES = """
CREATE {temp} TABLE computation (
    id INTEGER PRIMARY KEY, destination TEXT, endpoint TEXT, kind TEXT, key TEXT, name TEXT,
    last_sync TEXT, UNIQUE (destination, endpoint, kind, key)
);
CREATE {temp} TABLE pending (
    computation INTEGER, n INTEGER, line INTEGER, user TEXT, user_id TEXT, anonymous_id TEXT,
    email TEXT, value TEXT, traits TEXT, round INTEGER, in_doubt INTEGER,
    PRIMARY KEY (computation, n)
) WITHOUT ROWID;
"""
SCHEMA_OF_TOLD = """
CREATE TABLE told (
    computation INTEGER, user TEXT, user_id TEXT, anonymous_id TEXT, email TEXT, value TEXT,
    sent TEXT, round INTEGER, PRIMARY KEY (computation, user)
) WITHOUT ROWID;
"""
SCHEMA_OF_STAGE = """
CREATE TEMP TABLE incoming (
    user TEXT PRIMARY KEY, line INTEGER, user_id TEXT, anonymous_id TEXT, email TEXT, value TEXT,
    traits TEXT
) WITHOUT ROWID;
CREATE TEMP TABLE bad (id INTEGER PRIMARY KEY, line INTEGER, text BLOB, problem TEXT);
"""
# In a dry run, temporary tables hide `computation` and `pending` of the file, and take what is
# written. `told` is only read.
DRY_RUN = f"""
{CREATE_TABLES.format(temp="TEMP")}
INSERT INTO temp.computation SELECT * FROM main.computation;
"""

STAGE = """
INSERT INTO incoming VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user) DO UPDATE SET
    line = excluded.line, user_id = excluded.user_id, anonymous_id = excluded.anonymous_id,
    email = excluded.email, value = excluded.value, traits = excluded.traits
"""
BAD = "INSERT INTO bad (line, text, problem) VALUES (?, ?, ?)"

# Nothing sent yet is the same as the value of a removed user. A change in doubt is always sent
# again; if the value in doubt is a different one, this is a new event: the next round.
UPDATES = """
INSERT INTO pending
SELECT :id, row_number() OVER (ORDER BY i.line), i.line, i.user, i.user_id,
       coalesce(nullif(i.anonymous_id, ''), t.anonymous_id, ''),
       coalesce(nullif(i.email, ''), t.email, ''), i.value, i.traits,
       coalesce(t.round, 0) + coalesce(t.sent <> i.value, 0), t.sent IS NOT NULL
FROM incoming i LEFT JOIN told t ON t.computation = :id AND t.user = i.user
WHERE i.value <> coalesce(t.value, :gone) OR t.sent IS NOT NULL
"""
# A user who had only an anonymousId and has a userId now is not removed.
REMOVALS = """
INSERT INTO pending
SELECT :id, :after + row_number() OVER (ORDER BY t.user), 0, t.user, t.user_id, t.anonymous_id,
       t.email, :gone, '{}', t.round, t.sent IS NOT NULL
FROM told t LEFT JOIN incoming i ON i.user = t.user
WHERE t.computation = :id AND i.user IS NULL AND (t.value <> :gone OR t.sent IS NOT NULL)
      AND NOT (t.user_id = '' AND t.anonymous_id IN (SELECT anonymous_id FROM incoming))
"""
MEMBERS = """
SELECT count(*) FROM told WHERE computation = ? AND (value <> ? OR sent IS NOT NULL)
"""
BAD_ROWS = "SELECT id, line, text, problem FROM bad WHERE id > ? ORDER BY id LIMIT ?"
# After number and line come the fields of TraitChange, in their order.
CHANGES = """
SELECT n, line, user_id, anonymous_id, email, value, round, traits
FROM pending WHERE computation = ? AND n > ? ORDER BY n LIMIT ?
"""

SENT = """
INSERT INTO told
SELECT computation, user, user_id, anonymous_id, email, NULL, value, round
FROM pending WHERE computation = ? AND n = ?
ON CONFLICT (computation, user) DO UPDATE SET
    anonymous_id = excluded.anonymous_id, email = excluded.email, sent = excluded.sent,
    round = excluded.round
"""
DELIVERED = """
UPDATE told SET value = sent, sent = NULL, round = round + 1
WHERE (computation, user) = (SELECT computation, user FROM pending WHERE computation = ? AND n = ?)
"""
REFUSED = """
UPDATE told SET sent = NULL
WHERE (computation, user) =
      (SELECT computation, user FROM pending WHERE computation = ? AND n = ? AND NOT in_doubt)
"""
SETTLED = "DELETE FROM pending WHERE computation = ? AND n = ?"

KNOWN = """
SELECT destination, endpoint, kind, key, name,
       (SELECT count(*) FROM told WHERE computation = c.id
        AND value <> CASE kind WHEN 'audience' THEN 'false' ELSE 'null' END),
       coalesce(last_sync, ''), (SELECT count(*) FROM pending WHERE computation = c.id)
FROM computation c ORDER BY destination, kind, key, endpoint
"""
NAMED = """
INSERT INTO computation (destination, endpoint, kind, key, name) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (destination, endpoint, kind, key) DO UPDATE SET name = excluded.name
"""
NUMBERED = """
SELECT id FROM computation WHERE destination = ? AND endpoint = ? AND kind = ? AND key = ?
"""
FOUND = """
SELECT id FROM computation
WHERE :name IN (name, key) AND destination = coalesce(:destination, destination)
"""
