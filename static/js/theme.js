// <button data-theme-choice="light|dark|system">. The choice is a cookie, so the server renders it
// into <html data-theme> and no page flashes the wrong colours.
const YEAR = 31536000

export function watchTheme() {
  mark(document.documentElement.dataset.theme || "system")
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]")
    if (button) choose(button.dataset.themeChoice)
  })
}

function choose(theme) {
  const chosen = theme !== "system"
  const secure = location.protocol === "https:" ? "; Secure" : ""
  document.cookie = `theme=${chosen ? theme : ""}; Path=/; Max-Age=${chosen ? YEAR : 0}; SameSite=Lax${secure}`
  if (chosen) document.documentElement.dataset.theme = theme
  else delete document.documentElement.dataset.theme
  mark(theme)
}

function mark(theme) {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme))
  }
}
