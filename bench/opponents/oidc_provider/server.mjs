// The opponent: oidc-provider with the settings its documentation asks for in production (keys of its own, a
// database, cookie keys, no development interactions), the features that are measured, and nothing else.
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import { PostgresAdapter, prepare } from './adapter.mjs'

const { PORT, CLIENTS, JWKS, COOKIE_KEY } = process.env
const origin = `http://localhost:${PORT}`
const api = 'https://api.example'

const provider = new Provider(origin, {
  adapter: PostgresAdapter,
  clients: JSON.parse(CLIENTS),
  jwks: JSON.parse(JWKS),
  cookies: { keys: [COOKIE_KEY] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  scopes: ['openid', 'profile', 'email'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: async (ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: 'Mia Member', email: 'mia@example.com', email_verified: true }),
  }),
  // The application is the operator's own: consent is on record (the documentation's recipe for that).
  loadExistingGrant: async (ctx) => {
    const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId)
    if (known) return ctx.oidc.provider.Grant.find(known)
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
    grant.addOIDCScope('openid profile email')
    await grant.save()
    return grant
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx) => (ctx.oidc.params?.grant_type === 'client_credentials' ? api : undefined),
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'api:read', audience: api, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
  ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 3600, AuthorizationCode: 60, Grant: 2592000, Interaction: 3600, Session: 86400, RefreshToken: 2592000 },
})

const answer = provider.callback()

await prepare()
createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response)
  // The sign-in form is not what is measured: whoever comes is the one person there is.
  const result = { login: { accountId: 'person' } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}).listen(Number(PORT), '127.0.0.1')
