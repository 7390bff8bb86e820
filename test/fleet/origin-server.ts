import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fieldLines } from '../../src/fields.ts'
import type { Origin } from '../../src/model.ts'

export interface Served extends AsyncDisposable {
  readonly url: string
}

/** Serves an origin over HTTP. A failed fetch hangs up. */
export async function serve(origin: Origin): Promise<Served> {
  const handle: RequestListener = (request, response) => {
    const { method = 'GET', url: target = '/', rawHeaders } = request
    origin.fetch({ method, target, fields: rawHeaders }).then(
      async ({ status, fields, body }) => {
        const names = new Set(fields.filter((_, at) => at % 2 === 0))
        for (const name of names) response.setHeader(name, fieldLines(fields, name.toLowerCase()))
        response.writeHead(status).flushHeaders()
        for await (const chunk of body) response.write(chunk)
        response.end()
      },
      () => response.destroy(),
    )
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
