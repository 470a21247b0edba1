// One polite live region for the page; screen readers hear what others see.
export function announce(text) {
  const region = document.getElementById("announcer")
  if (!region) return
  region.textContent = ""
  requestAnimationFrame(() => { region.textContent = text })
}
