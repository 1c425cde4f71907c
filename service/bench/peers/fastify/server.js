// Fastify with postgres.js: schemas for validation and serialisation, one process for each core.
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import Fastify from 'fastify'
import postgres from 'postgres'
import { v7 as uuid } from 'uuid'

const CONNECTIONS = 16
const UNIQUE_VIOLATION = '23505'

const optional = { type: ['string', 'null'] }
const properties = { email: { type: 'string' }, name: { type: 'string' }, phone: optional, title: optional, department: optional, status: { type: 'string' } }
const profile = { type: 'object', required: ['email', 'name'], properties }
const user = { type: 'object', properties: { id: { type: 'string' }, ...properties, created_at: { type: 'string' }, updated_at: { type: 'string' } } }
const page = { type: 'object', properties: { items: { type: 'array', items: user } } }

// What the search index holds: every run of three characters, and the last two.
function grams (...keys) {
  return keys.flatMap(key => {
    const chars = [...key]
    const runs = []
    for (let i = 0; i + 3 <= chars.length; i++) runs.push(chars[i] + chars[i + 1] + chars[i + 2])
    runs.push(chars.slice(-2).join(''))
    return runs
  })
}

function keyed (body) {
  const { email, name, phone = null, title = null, department = null, status = 'active' } = body
  const emailKey = email.toLowerCase()
  const nameKey = name.toLowerCase()
  return { email, emailKey, name, nameKey, phone, title, department, status, grams: grams(nameKey, emailKey) }
}

async function serve () {
  const sql = postgres(process.env.DATABASE_URL, {
    max: Math.ceil(CONNECTIONS / availableParallelism()),
    // A Date holds milliseconds; as text the microseconds stay.
    types: { date: { to: 1184, from: [1184], serialize: value => value, parse: value => value.replace(' ', 'T').replace(/\+00$/, 'Z') } },
    connection: { TimeZone: 'UTC' }
  })
  const columns = sql`id, email, name, phone, title, department, status, created_at, updated_at`
  const app = Fastify({ logger: false, bodyLimit: 65536 })

  app.setErrorHandler((error, _request, reply) => {
    if (error.code === UNIQUE_VIOLATION) return reply.code(409).send()
    if (error.statusCode < 500) return reply.code(error.statusCode).send()
    console.error(error)
    return reply.code(500).send()
  })

  const one = (reply, rows) => rows.length ? rows[0] : reply.code(404).send({})

  app.get('/v1/users/:id', { schema: { response: { 200: user } } }, async (request, reply) =>
    one(reply, await sql`SELECT ${columns} FROM users WHERE id = ${request.params.id}`))

  app.get('/v1/users', {
    schema: { querystring: { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 } } }, response: { 200: page } }
  }, async request => ({ items: await sql`SELECT ${columns} FROM users ORDER BY created_at, id LIMIT ${request.query.limit}` }))

  app.post('/v1/users', { schema: { body: profile, response: { 201: user } } }, async (request, reply) => {
    const p = keyed(request.body)
    const rows = await sql`
      INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status, search_grams, row_version, created_at, updated_at)
      VALUES (${uuid()}, ${p.email}, ${p.emailKey}, ${p.name}, ${p.nameKey}, ${p.phone}, ${p.title}, ${p.department}, ${p.status},
        array_to_tsvector(${p.grams}::text[]), 1, now(), now()) RETURNING ${columns}`
    return reply.code(201).send(rows[0])
  })

  app.put('/v1/users/:id', { schema: { body: profile, response: { 200: user } } }, async (request, reply) => {
    const p = keyed(request.body)
    return one(reply, await sql`
      UPDATE users SET email = ${p.email}, email_key = ${p.emailKey}, name = ${p.name}, name_key = ${p.nameKey}, phone = ${p.phone},
        title = ${p.title}, department = ${p.department}, status = ${p.status}, search_grams = array_to_tsvector(${p.grams}::text[]),
        row_version = row_version + 1, updated_at = now() WHERE id = ${request.params.id} RETURNING ${columns}`)
  })

  const [host, port] = (process.env.LISTEN ?? '127.0.0.1:8080').split(':')
  await app.listen({ host, port: Number(port) })
}

if (cluster.isPrimary) {
  for (let i = 0; i < availableParallelism(); i++) cluster.fork()
} else {
  await serve()
}
