import { type Given, loadSettings } from './settings.ts'

/** `herdgate check`: exit code 0 and a summary, or 2 and every fault. */
export function check(given: Given): void {
  const loaded = loadSettings(given)
  if (loaded === undefined) return
  const { config, notes } = loaded
  const { listen, admin, origins, routes } = config
  const lines = [
    'configuration is valid',
    `  data   ${listen.host}:${listen.port}`,
    `  admin  ${admin.host}:${admin.port}`,
    ...origins.map(({ name, urls }) => `  origin ${name}: ${urls.join(', ')}`),
    ...routes.map(({ name, origin }) => `  route  ${name} -> ${origin}`),
    ...notes.map((note) => `note: ${note}`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
