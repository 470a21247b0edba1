// Enhances pages that already work without it. Each module finds its own elements by data attributes.
import { watchChallenges } from "./challenge.js"
import { watchCopying } from "./copy.js"
import { watchDialogs } from "./dialog.js"
import { watchKeys } from "./keys.js"
import { watchMenus } from "./menu.js"
import { watchPalette } from "./palette.js"
import { watchPasskeys } from "./passkeys.js"
import { refreshTimes } from "./reltime.js"
import { watchPasswords } from "./reveal.js"
import { watchSession } from "./session.js"
import { watchTabs } from "./tabs.js"
import { watchTheme } from "./theme.js"
import { watchToasts } from "./toast.js"
import { watchWallets } from "./wallet.js"

document.documentElement.dataset.js = ""
watchTheme()
watchChallenges()
watchCopying()
watchDialogs()
watchMenus()
watchPalette()
watchKeys()
watchPasskeys()
watchPasswords()
watchTabs()
watchToasts()
watchSession()
watchWallets()
refreshTimes()
