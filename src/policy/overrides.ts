/** Fields of a request that say it is another one. */

/**
 * Fields by which frameworks, application servers and CDNs let a request say that it is another one: other target,
 * method, host, scheme, client or user. Only a trusted peer may; from anyone else they would poison what others get.
 * Whole families, by how their names begin, and single ones. docs/security.md lists them.
 */
const OVERRIDE_FAMILIES =
  /^(?:cf|cloudfront|forwarded|ssl-client|x-(?:amzn-oidc|appengine|envoy|forward(?:ed|er)?|invoke|middleware|original(?:ly)?|override|rewrite|ssl|vercel))(?:-|$)/
export const OVERRIDES: ReadonlySet<string> = new Set([
  'base-url',
  'client-ip',
  'destination-url',
  'fastly-client-ip',
  'fastly-ssl',
  'front-end-https',
  'host-override',
  'http-host',
  'incap-client-ip',
  'proxy-client-ip',
  'proxy-host',
  'proxy-url',
  'remote-addr',
  'remote-user',
  'request-uri',
  'ssl-https',
  'true-client-ip',
  'wl-proxy-client-ip',
  'wl-proxy-ssl',
  'x-accel-redirect',
  'x-amz-website-redirect-location',
  'x-arr-ssl',
  'x-authenticated-user',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-backend',
  'x-backend-host',
  'x-base-url',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwardedfor',
  'x-host',
  'x-host-override',
  'x-http-destinationurl',
  'x-http-host',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-http-path-override',
  'x-http-status-code-override',
  'x-https',
  'x-matched-path',
  'x-method',
  'x-method-override',
  'x-now-route-matches',
  'x-originating-ip',
  'x-path-info',
  'x-proto',
  'x-proxy-url',
  'x-proxyuser-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-remote-user',
  'x-request-uri',
  'x-scheme',
  'x-script-name',
  'x-sendfile',
  'x-server-name',
  'x-sucuri-clientip',
  'x-true-client-ip',
  'x-uri',
  'x-url',
  'x-url-scheme',
  'x-wap-profile',
])

export const isOverride = (name: string): boolean => OVERRIDES.has(name) || OVERRIDE_FAMILIES.test(name)

const PLAIN_NAME = /^[a-z0-9-]+$/

/** Some origins read "_", or any other sign, as "-", and would see a field that was not meant to reach them. */
export const asRead = (name: string): string => (PLAIN_NAME.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-'))
