/** A worker that reports that it listens or, while PORT_IS_TAKEN is set, that it cannot, and exits. */
const say = (name: string, argument: unknown, then = () => {}) =>
  process.send?.({ name, argument, id: undefined }, undefined, undefined, then)

if (process.env['PORT_IS_TAKEN'] === undefined) say('listening', 'http://127.0.0.1:1')
else say('listenFailed', { message: 'EADDRINUSE' }, () => process.exit(1))
