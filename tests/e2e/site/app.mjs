// A single-page application on oidc-client-ts: what the library does is awaited and shown; it is not helped.
const settings = await (await fetch('/settings.json')).json()
const manager = new oidc.UserManager({
  ...settings, redirect_uri: `${location.origin}/callback`, post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email offline_access', loadUserInfo: true, automaticSilentRenew: false,
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
})
const show = (state, said) => {
  document.querySelector('#said').textContent = JSON.stringify(said ?? null)
  document.querySelector('#state').textContent = state
}
const told = ({ profile, access_token: access, refresh_token: refresh }) => ({
  sub: profile.sub, email: profile.email, access, refresh,
})
const failed = (error) => show('Failed', error.message)
const on = (id, act) => document.querySelector(id).addEventListener('click', () => act().catch(failed))
on('#sign-in', () => manager.signinRedirect())
on('#renew', async () => show('Renewed', told(await manager.signinSilent())))
on('#revoke', async () => { await manager.revokeTokens(['refresh_token']); show('Revoked') })
on('#sign-out', () => manager.signoutRedirect())
const start = async () => {
  if (location.pathname !== '/callback') return show('Signed out')
  const user = await manager.signinCallback()
  history.replaceState(null, '', '/')
  show('Signed in', told(user))
}
await start().catch(failed)
