import { authority } from '../config/addresses.ts'
import { printConfig } from '../config/print.ts'
import { type Given, type LoadedSettings, loadSettings, settingsOf } from './settings.ts'

/**
 * `herdgate check`: exit code 0 and a summary, or 2 and every fault.
 * @param whole print the configuration instead of the summary
 */
export function check(given: Given, whole: boolean): void {
  const loaded = loadSettings(settingsOf(given))
  if (loaded === undefined) return
  if (whole) process.stdout.write(printConfig(loaded.config))
  else summarise(loaded)
}

function summarise({ config, notes }: LoadedSettings): void {
  const { listen, admin, origins, routes } = config
  const lines = [
    'configuration is valid',
    `  data   ${authority(listen.host, listen.port)}`,
    `  admin  ${authority(admin.host, admin.port)}`,
    ...origins.map(({ name, urls }) => `  origin ${name}: ${urls.join(', ')}`),
    ...routes.map(({ name, origin }) => `  route  ${name} -> ${origin}`),
    ...notes.map((note) => `note: ${note}`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
