// `/` search on this page, `?` help, `g` then a letter: go to the rail item with that data-key.
let waiting = null

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return
    if (document.querySelector("dialog[open]")) return
    const act = waiting ? follow : start
    if (act(event.key)) event.preventDefault()
  })
}

function start(key) {
  if (key === "/") return focusSearch()
  if (key === "?") return showHelp()
  if (key !== "g") return false
  waiting = setTimeout(() => { waiting = null }, 1200)
  return true
}

function follow(key) {
  clearTimeout(waiting)
  waiting = null
  const link = document.querySelector(`.rail [data-key="${CSS.escape(key)}"]`)
  link?.click()
  return Boolean(link)
}

function focusSearch() {
  const field = document.querySelector("[data-search]")
  field?.focus()
  field?.select?.()
  return Boolean(field)
}

function showHelp() {
  const help = document.getElementById("shortcuts")
  help?.showModal()
  return Boolean(help)
}

function typing(element) {
  return element.isContentEditable || element.matches?.("input, textarea, select")
}
