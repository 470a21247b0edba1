// <body data-session="/account/session" data-sign-in="/sign-in">. Tells the server when the person last did
// something here, so that a long form does not time out under their hands. Nothing is told while nobody is
// there: the page times out like any other, and then leads to sign-in and back.
const EVERY = 60_000
const PATIENCE = 3 // failures in a row until the network counts as gone

export function watchSession() {
  const { session, signIn } = document.body.dataset
  if (!session) return
  const page = { address: session, signIn, touched: 0, told: Date.now(), failures: 0, timer: 0 }
  for (const name of ["pointerdown", "keydown", "input", "scroll"]) {
    addEventListener(name, (event) => event.isTrusted && (page.touched = Date.now()), { passive: true, capture: true })
  }
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && renew(page))
  page.timer = setTimeout(renew, EVERY, page)
}

async function renew(page) {
  clearTimeout(page.timer)
  let wait = EVERY
  try {
    const answer = await ask(page)
    if (answer.status === 401) return leave(page)
    if (!answer.ok) throw new Error(String(answer.status))
    page.failures = 0
    wait = Math.min(EVERY, Math.max(1, (await answer.json()).ends_in + 1) * 1000)
  } catch {
    page.failures += 1
    if (page.failures >= PATIENCE) return leave(page)
    wait = EVERY / 4
  }
  page.timer = setTimeout(renew, wait, page)
}

function ask(page) {
  const headers = { "Background-Request": "1" }
  if (page.touched <= page.told) return fetch(page.address, { headers, cache: "no-store" })
  page.told = Date.now()
  const idle = Math.round((page.told - page.touched) / 1000)
  headers["X-CSRFToken"] = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || ""
  return fetch(page.address, { method: "POST", headers, body: new URLSearchParams({ idle }) })
}

function leave(page) {
  const here = location.pathname + location.search
  location.assign(`${page.signIn}?${new URLSearchParams({ next: here, notice: "session_ended" })}`)
}
