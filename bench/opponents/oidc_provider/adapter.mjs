// oidc-provider's storage on PostgreSQL: the contract of its documentation (docs, "Adapters"), one table, prepared
// statements, durable commits. Expired rows are left to a sweep, as its own examples do.
import pg from 'pg'

export const pool = new pg.Pool({
  host: process.env.PGHOST, user: process.env.PGUSER, password: process.env.PGPASSWORD,
  database: process.env.PGDATABASE, max: 10,
})

export async function prepare() {
  await pool.query(`
    CREATE TABLE IF NOT EXISTS payloads (
      model text NOT NULL, id text NOT NULL, payload jsonb NOT NULL, grant_id text, uid text, user_code text,
      consumed_at bigint, expires_at timestamptz, PRIMARY KEY (model, id))`)
  await pool.query('CREATE INDEX IF NOT EXISTS payloads_grant ON payloads (grant_id) WHERE grant_id IS NOT NULL')
  await pool.query('CREATE INDEX IF NOT EXISTS payloads_uid ON payloads (model, uid) WHERE uid IS NOT NULL')
}

const UPSERT = {
  name: 'upsert',
  text: `INSERT INTO payloads (model, id, payload, grant_id, uid, user_code, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')
         ON CONFLICT (model, id) DO UPDATE SET payload = EXCLUDED.payload, grant_id = EXCLUDED.grant_id,
           uid = EXCLUDED.uid, user_code = EXCLUDED.user_code, expires_at = EXCLUDED.expires_at`,
}
const LIVE = 'AND (expires_at IS NULL OR expires_at > now())'
const FIND = { name: 'find', text: `SELECT payload, consumed_at FROM payloads WHERE model = $1 AND id = $2 ${LIVE}` }
const BY_UID = { name: 'by_uid', text: `SELECT payload, consumed_at FROM payloads WHERE model = $1 AND uid = $2 ${LIVE}` }
const BY_USER_CODE = {
  name: 'by_user_code', text: `SELECT payload, consumed_at FROM payloads WHERE model = $1 AND user_code = $2 ${LIVE}`,
}
const CONSUME = {
  name: 'consume',
  text: 'UPDATE payloads SET consumed_at = extract(epoch FROM now())::bigint WHERE model = $1 AND id = $2',
}
const DESTROY = { name: 'destroy', text: 'DELETE FROM payloads WHERE model = $1 AND id = $2' }
const REVOKE = { name: 'revoke', text: 'DELETE FROM payloads WHERE grant_id = $1' }

export class PostgresAdapter {
  constructor(model) {
    this.model = model
  }

  async upsert(id, payload, expiresIn) {
    const values = [this.model, id, payload, payload.grantId, payload.uid, payload.userCode, expiresIn ?? 315360000]
    await pool.query({ ...UPSERT, values })
  }

  find(id) {
    return this.#one(FIND, id)
  }

  findByUid(uid) {
    return this.#one(BY_UID, uid)
  }

  findByUserCode(code) {
    return this.#one(BY_USER_CODE, code)
  }

  async consume(id) {
    await pool.query({ ...CONSUME, values: [this.model, id] })
  }

  async destroy(id) {
    await pool.query({ ...DESTROY, values: [this.model, id] })
  }

  async revokeByGrantId(grantId) {
    await pool.query({ ...REVOKE, values: [grantId] })
  }

  async #one(query, value) {
    const { rows: [row] } = await pool.query({ ...query, values: [this.model, value] })
    return row && { ...row.payload, ...(row.consumed_at && { consumed: Number(row.consumed_at) }) }
  }
}
