// oauth4webapi: the low-level client, every step by hand, every answer processed by the library.
import * as oauth from 'oauth4webapi'
import { given, must, play, visit } from './person.mjs'

const options = { [oauth.allowInsecureRequests]: true }
const client = { client_id: given.client_id }
const proof = given.client_secret ? oauth.ClientSecretBasic(given.client_secret) : oauth.None()

async function discovered() {
  const issuer = new URL(given.issuer)
  const answers = {}
  for (const algorithm of ['oidc', 'oauth2']) {
    const response = await oauth.discoveryRequest(issuer, { ...options, algorithm })
    answers[algorithm] = await oauth.processDiscoveryResponse(issuer, response)
  }
  must(answers.oidc.token_endpoint === answers.oauth2.token_endpoint, 'the two documents differ')
  return answers.oidc
}

async function code() {
  const as = await discovered()
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
  const address = new URL(as.authorization_endpoint)
  address.search = new URLSearchParams({
    client_id: client.client_id, redirect_uri: given.redirect_uri, response_type: 'code',
    scope: 'openid email offline_access', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const answer = oauth.validateAuthResponse(as, client, await visit(address), state)
  const response = await oauth.authorizationCodeGrantRequest(as, client, proof, answer, given.redirect_uri, verifier, options)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, response, options)
  const sub = oauth.getValidatedIdTokenClaims(tokens).sub
  const profile = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, options))
  const renewed = await oauth.processRefreshTokenResponse(
    as, client, await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token, options))
  if (given.client_secret) {
    const seen = await oauth.processIntrospectionResponse(
      as, client, await oauth.introspectionRequest(as, client, proof, renewed.access_token, options))
    must(seen.active, 'a fresh token is inactive')
  }
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proof, renewed.refresh_token, options))
  const after = await oauth.refreshTokenGrantRequest(as, client, proof, renewed.refresh_token, options)
  must(after.status === 400, 'a revoked refresh token still works')
  return { sub, profile }
}

await play({ code })
