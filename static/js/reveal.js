// <button data-reveal="id of the field">: shows what is typed as a password, and hides it again before it is sent,
// so that no browser keeps it among what was typed into plain fields (NIST SP 800-63B-4 §3.1.1.2).
export function watchPasswords() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]")
    if (button) show(button, button.getAttribute("aria-pressed") !== "true")
  })
  document.addEventListener("submit", (event) => {
    event.target.querySelectorAll("[data-reveal]").forEach((button) => show(button, false))
  })
}

function show(button, visible) {
  button.setAttribute("aria-pressed", visible)
  document.getElementById(button.dataset.reveal).type = visible ? "text" : "password"
}
