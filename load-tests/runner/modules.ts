/** Lets scenarios import `k6` and its modules without k6. */
import { registerHooks } from 'node:module'

const MODULES: Readonly<Record<string, string>> = {
  k6: './modules/k6.ts',
  'k6/http': './modules/http.ts',
  'k6/metrics': './modules/metrics.ts',
  'k6/execution': './modules/execution.ts',
  'k6/timers': './modules/timers.ts',
}

/** Takes effect for later calls of `import()`. */
export function provideModules(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== 'k6' && !specifier.startsWith('k6/')) return next(specifier, context)
      const file = MODULES[specifier]
      if (file === undefined) throw new Error(`this runner has no ${specifier}; k6 has`)
      return { url: new URL(file, import.meta.url).href, shortCircuit: true }
    },
  })
}
