// <details class="menu"> opens without script; here it also closes on Escape, on a click elsewhere,
// and when a sibling opens.
export function watchMenus() {
  document.addEventListener("click", (event) => closeAllBut(event.target.closest("details.menu")))
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return
    const menu = document.querySelector("details.menu[open]")
    if (!menu) return
    menu.open = false
    menu.querySelector("summary").focus()
  })
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-once]")) event.submitter?.setAttribute("aria-disabled", "true")
  })
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit()
  })
}

function closeAllBut(kept) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== kept) menu.open = false
  }
}
