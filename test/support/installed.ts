/** What the tests need is installed before they begin, where that is possible: two files at once would be in the way. */
import { installedChromium } from './chromium.ts'
import { ensureInstalled } from './redis.ts'

export default async function setup(): Promise<void> {
  if (process.getuid?.() !== 0) return // the tests that need it say what is missing
  ensureInstalled()
  await installedChromium()
}
