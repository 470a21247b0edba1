// <form data-passkey="create|get" data-options="/address" data-failed="sentence">: asks the browser for a
// passkey and posts its answer in the field `credential`. `data-autofill` offers passkeys in the address field.
import { announce } from "./announce.js"

let waiting = null

export function watchPasskeys() {
  const forms = [...document.querySelectorAll("form[data-passkey]")]
  if (!window.PublicKeyCredential) return forms.forEach((form) => (form.hidden = true))
  for (const form of forms) {
    form.addEventListener("submit", (event) => begin(event, form))
    if ("autofill" in form.dataset) offerAutofill(form)
  }
}

function begin(event, form) {
  if (form.elements.credential.value) return
  event.preventDefault()
  if (form.reportValidity()) use(form)
}

async function offerAutofill(form) {
  if (await PublicKeyCredential.isConditionalMediationAvailable?.()) use(form, "conditional")
}

async function use(form, mediation) {
  waiting?.abort()
  const mine = (waiting = new AbortController())
  try {
    const credential = await ask(form, mediation, mine.signal)
    form.elements.credential.value = JSON.stringify(credential)
    form.submit()
  } catch {
    if (!mediation && waiting === mine) failed(form)
  }
}

async function ask(form, mediation, signal) {
  const options = await challenge(form)
  if (form.dataset.passkey === "create") {
    const publicKey = creation(options)
    return written(await navigator.credentials.create({ publicKey, signal }))
  }
  const publicKey = request(options)
  return written(await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) }))
}

async function challenge(form) {
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value }
  const response = await fetch(form.dataset.options, { method: "POST", headers, redirect: "error" })
  if (!response.ok) throw new Error(response.statusText)
  return response.json()
}

function failed(form) {
  form.querySelector("[data-passkey-failed]")?.remove()
  const note = document.createElement("p")
  note.className = "field__errors"
  note.dataset.passkeyFailed = ""
  note.textContent = form.dataset.failed
  form.append(note)
  announce(form.dataset.failed)
}

const creation = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  user: { ...options.user, id: bytes(options.user.id) },
  excludeCredentials: (options.excludeCredentials ?? []).map(named),
})

const request = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  allowCredentials: (options.allowCredentials ?? []).map(named),
})

const named = (one) => ({ ...one, id: bytes(one.id) })

function written(credential) {
  const from = credential.response
  const response = { clientDataJSON: text(from.clientDataJSON) }
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (from[part]) response[part] = text(from[part])
  }
  if (from.getTransports) response.transports = from.getTransports()
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response }
}

function bytes(words) {
  const plain = atob(words.replaceAll("-", "+").replaceAll("_", "/"))
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0))
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer))
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
}
