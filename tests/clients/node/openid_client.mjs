// openid-client: one function a scenario; what the library checks by itself is not checked again.
import * as oidc from 'openid-client'
import { given, must, play, visit } from './person.mjs'

const scope = 'openid profile email offline_access'
const insecure = { execute: [oidc.allowInsecureRequests] }

const configured = (metadata, authentication) =>
  oidc.discovery(new URL(given.issuer), given.client_id, metadata, authentication, insecure)

async function proven() {
  const verifier = oidc.randomPKCECodeVerifier()
  const sent = {
    redirect_uri: given.redirect_uri,
    scope,
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const checks = { pkceCodeVerifier: verifier, expectedState: sent.state, expectedNonce: sent.nonce, idTokenExpected: true }
  return [sent, checks]
}

async function code() {
  const config = await configured({}, oidc.ClientSecretBasic(given.client_secret))
  const [sent, checks] = await proven()
  const back = await visit(oidc.buildAuthorizationUrl(config, sent))
  const tokens = await oidc.authorizationCodeGrant(config, back, checks)
  const sub = tokens.claims().sub
  const profile = await oidc.fetchUserInfo(config, tokens.access_token, sub)
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  must(renewed.refresh_token !== tokens.refresh_token, 'the refresh token did not rotate')
  must((await oidc.tokenIntrospection(config, renewed.access_token)).active, 'a fresh token is inactive')
  await oidc.tokenRevocation(config, renewed.refresh_token)
  must(!(await oidc.tokenIntrospection(config, renewed.refresh_token)).active, 'a revoked token is active')
  const end = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token, post_logout_redirect_uri: given.after, state: 'bye',
  })
  must((await visit(end, given.after)).searchParams.get('state') === 'bye', 'no way back from sign-out')
  return { sub, profile }
}

async function clientCredentials() {
  const config = await configured({}, oidc.ClientSecretBasic(given.client_secret))
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'members:read' })
  return { scope: tokens.scope }
}

async function privateKeyJwt() {
  const { alg, ...jwk } = given.jwk
  const algorithm = alg === 'EdDSA' ? 'Ed25519' : { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  const config = await configured({}, oidc.PrivateKeyJwt({ key, kid: jwk.kid }))
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'members:read' })
  return { scope: tokens.scope }
}

async function pushedAndBound() {
  const config = await configured({}, oidc.ClientSecretBasic(given.client_secret))
  const [sent, checks] = await proven()
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
  const address = await oidc.buildAuthorizationUrlWithPAR(config, sent, { DPoP })
  must(address.searchParams.has('request_uri') && !address.searchParams.has('redirect_uri'), 'nothing was pushed')
  const tokens = await oidc.authorizationCodeGrant(config, await visit(address), checks, undefined, { DPoP })
  must(tokens.token_type === 'dpop', 'the token is not bound')
  const profile = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  must(renewed.token_type === 'dpop', 'the renewed token is not bound')
  return { sub: profile.sub, access_token: renewed.access_token }
}

async function signedRequest() {
  const config = await configured({}, oidc.ClientSecretBasic(given.client_secret))
  const [sent, checks] = await proven()
  const { alg, ...jwk } = given.jwk
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  const address = await oidc.buildAuthorizationUrlWithJAR(config, sent, { key, kid: jwk.kid })
  const tokens = await oidc.authorizationCodeGrant(config, await visit(address), checks)
  return { sub: tokens.claims().sub }
}

async function device() {
  const config = await configured({ token_endpoint_auth_method: 'none' }, oidc.None())
  const begun = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email' })
  console.log(JSON.stringify({ approve: begun.user_code }))
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...begun, interval: 1 })
  return { sub: tokens.claims().sub }
}

async function denied() {
  const config = await configured({}, oidc.ClientSecretBasic(given.client_secret))
  const [sent, checks] = await proven()
  const back = await visit(oidc.buildAuthorizationUrl(config, { ...sent, prompt: 'none' }))
  try {
    await oidc.authorizationCodeGrant(config, back, checks)
  } catch (refused) {
    return { error: refused.error }
  }
  throw new Error('an error was taken for a code')
}

await play({ code, clientCredentials, privateKeyJwt, pushedAndBound, signedRequest, device, denied })
