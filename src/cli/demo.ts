import { openLog } from '../logging/log.ts'
import { closeOnSignals } from '../server/shutdown.ts'
import { fail } from './fail.ts'

export interface DemoFlags {
  readonly port: string
  readonly adminPort: string
  readonly originPort: string
  /** Starts the slow API without Herdgate. */
  readonly apiOnly?: boolean
}

/** `herdgate demo`: runs the slow API with Herdgate in front of it until stopped. */
export async function demo(flags: DemoFlags): Promise<void> {
  const { createSlowApi, runDemo } = await import('../demo.ts')
  const wrong = portError(flags)
  if (wrong !== undefined) return fail(wrong, 2)
  const [port, adminPort, originPort] = [Number(flags.port), Number(flags.adminPort), Number(flags.originPort)]
  try {
    const out = (line: string) => void process.stdout.write(`${line}\n`)
    if (flags.apiOnly === true) {
      const api = createSlowApi()
      out(`Slow API   ${await api.listen(originPort)}`)
      return closeOnSignals(api, openLog('warn'))
    }
    const running = await runDemo({ port, adminPort, originPort, out })
    closeOnSignals(running, openLog('warn'))
  } catch (error) {
    const { code, address, port: taken, message } = error as NodeJS.ErrnoException & { address?: string; port?: number }
    const ports = 'choose others with --port, --admin-port and --origin-port'
    fail(code === 'EADDRINUSE' ? `${address}:${taken} is in use; ${ports}` : message, 1)
  }
}

function portError({ port, adminPort, originPort, apiOnly = false }: DemoFlags): string | undefined {
  const given = Object.entries({ '--port': port, '--admin-port': adminPort, '--origin-port': originPort })
  for (const [at, [flag, text]] of given.entries()) {
    if (!isPort(text)) return `${flag}: expected a port from 0 to 65535, got ${text}`
    const same = given.slice(0, at).find(([, other]) => Number(other) === Number(text) && Number(text) !== 0)
    if (same !== undefined && !apiOnly) return `${flag}: expected a port other than that of ${same[0]}, got ${text}`
  }
  return undefined
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535
