// Confirmations leave by themselves; errors stay until dismissed. Both are also plain messages without script.
export function watchToasts() {
  document.querySelectorAll(".toast").forEach(expire)
  document.addEventListener("htmx:load", (event) => event.target.querySelectorAll?.(".toast").forEach(expire))
  document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast, .alert")?.remove())
}

function expire(toast) {
  if (!toast.matches(".toast--bad")) setTimeout(() => toast.remove(), 6000)
}
