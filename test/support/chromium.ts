import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const run = promisify(execFile)

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** Chromium makes no requests of its own, only those of the page. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** Timeouts of a start and of an installation, in ms. */
const START_MS = 120_000
export const INSTALL_MS = 600_000

/** A headless Chromium with a fresh profile; installed by apt if it is missing and the user is root. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await installedChromium()
  const isRoot = process.getuid?.() === 0
  return chromium.launch({ executablePath, args: isRoot ? [...FLAGS, '--no-sandbox'] : FLAGS, timeout: START_MS })
}

/** @returns its path */
export async function installedChromium(): Promise<string> {
  return find() ?? install()
}

function find(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).concat('/usr/bin')
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return candidates.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function install(): Promise<string> {
  if (process.getuid?.() !== 0)
    throw new Error('the dashboard is tested in Chromium: install it (apt install chromium)')
  const options = { timeout: INSTALL_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  await run('apt-get', ['update', '-qq'], options)
  const packages = ['chromium', 'fonts-dejavu-core']
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options)
  const installed = find()
  if (installed === undefined) throw new Error('apt-get installed no Chromium')
  return installed
}
