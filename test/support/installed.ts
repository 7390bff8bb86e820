/**
 * What the tests need is installed before they begin, where that is possible: two files at once would be in the way.
 * Where it is not, only the tests that need it fail, and say what is missing.
 */
import { installedChromium } from './chromium.ts'
import { ensureInstalled } from './redis.ts'

export default async function setup(): Promise<void> {
  if (process.getuid?.() !== 0) return
  for (const install of [ensureInstalled, installedChromium]) {
    try {
      await install()
    } catch (error) {
      process.stderr.write(`not installed: ${String(error)}\n`)
    }
  }
}
