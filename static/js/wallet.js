// Fills wallet forms from the browser's wallet (EIP-1193), where there is one; the forms work by hand without it.
export function watchWallets() {
  if (!window.ethereum) return
  for (const form of document.querySelectorAll("form[data-wallet-address]")) fillAddress(form)
  for (const form of document.querySelectorAll("form[data-wallet-signature]")) offerSignature(form)
}

function fillAddress(form) {
  const field = form.elements.wallet
  field.addEventListener("focus", async () => {
    if (field.value) return
    const [address] = await ask("eth_requestAccounts", [])
    if (address) field.value = address
  }, { once: true })
}

function offerSignature(form) {
  const field = form.elements.signature
  const message = document.querySelector("[data-wallet-message]").textContent
  field.addEventListener("focus", async () => {
    if (field.value) return
    const bytes = new TextEncoder().encode(message)
    const hex = `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`
    const signature = await ask("personal_sign", [hex, form.dataset.wallet])
    if (typeof signature === "string") field.value = signature
  }, { once: true })
}

// Refused by the person or the wallet: the field stays empty and can be filled by hand.
async function ask(method, params) {
  try {
    return await window.ethereum.request({ method, params })
  } catch {
    return []
  }
}
