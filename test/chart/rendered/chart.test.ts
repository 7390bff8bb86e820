import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { CHART } from '../../../helm/generated.ts'
import manifest from '../../../package.json' with { type: 'json' }
import { loadConfig } from '../../../src/config.ts'
import { CASES, helm, herdgate, type Manifest, matches, only, podsOf, render, set, variable } from './render.ts'

const MEBIBYTE = 1024 * 1024

describe('configuration', () => {
  /** Loads the configuration as Herdgate in the pod would. */
  function load(manifests: Manifest[]) {
    const env: Record<string, string> = { REDIS_URL: 'redis://r:6379', REDIS_SEAL: 'a-seal-of-16-and-more' }
    for (const { name, value = 'from-a-secret' } of herdgate(manifests).env) env[name] ??= value
    const found = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'rel-herdgate')
    const file = found && { path: '/etc/herdgate/herdgate.yaml', text: found.data['herdgate.yaml'] }
    return loadConfig({ flags: {}, env, file, readFile: () => '' })
  }

  test.each(CASES.filter((file) => file !== 'existing.yaml'))('of %s is accepted by Herdgate', (file) => {
    const loaded = load(render(file))
    expect(loaded).toMatchObject({ ok: true })
    if (!loaded.ok) return
    expect(loaded.config.admin).toMatchObject({ host: '0.0.0.0', port: 9090, token: 'from-a-secret' })
    expect(loaded.config.listen).toMatchObject({ host: '0.0.0.0', port: 8080 })
  })

  test('seals entries in a Redis that the configuration itself names', () => {
    const redis = ['config.store.redis.url=redis://own:6379', 'redis.seal=the-seal-of-this-fleet']
    const loaded = load(render('minimal.yaml', ...set(...redis)))
    if (!loaded.ok) throw new Error('not valid')
    expect(loaded.config.store.redis?.secret).toBe('a-seal-of-16-and-more')
  })

  test('keeps given settings beside those derived from other values', () => {
    const loaded = load(render('everything.yaml'))
    if (!loaded.ok) throw new Error('not valid')
    expect(loaded.config.store.redis).toMatchObject({ url: 'redis://r:6379', prefix: 'shop', deadline: 80 })
    expect(loaded.config.store.redis?.secret).toBe('a-seal-of-16-and-more')
    expect(loaded.config.store.memory).toEqual({
      maxBytes: 691 * MEBIBYTE,
      maxObjectBytes: 4 * MEBIBYTE,
      admission: 'on',
    })
    expect(loaded.config.store.disk).toEqual({ path: '/app/var/cache', maxBytes: 20 * 1024 * MEBIBYTE })
  })

  test('reads on and off like YAML 1.1, which Helm uses for values', () => {
    const loaded = load(render('sized.yaml'))
    if (!loaded.ok) throw new Error('not valid')
    expect(loaded.config).toMatchObject({ lane: false, store: { memory: { admission: 'off' } } })
    expect(load(render('sized.yaml', ...set('config.lane=true')))).toMatchObject({ config: { lane: true } })
  })

  test('from an existing ConfigMap is mounted, and the environment makes it agree with the chart', () => {
    const manifests = render('existing.yaml')
    expect(manifests.map(({ kind }) => kind)).not.toContain('ConfigMap')
    const [volume] = only(manifests, 'Deployment').spec.template.spec.volumes
    expect(volume.configMap.name).toBe('my-herdgate')
    expect(variable(manifests, 'HERDGATE_PORT').value).toBe('8000')
    expect(variable(manifests, 'HERDGATE_ADMIN_HOST').value).toBe('0.0.0.0')
    expect(variable(manifests, 'HERDGATE_ADMIN_PORT').value).toBe('9000')
    expect(variable(manifests, 'HERDGATE_MEMORY').value).toBe('153MiB')
    expect(load(manifests)).toMatchObject({ ok: false }) // without the mounted file only the origin is missing
  })

  test('that changes restarts the pods', () => {
    const sumWith = (...values: string[]) =>
      only(render('minimal.yaml', ...set(...values)), 'Deployment').spec.template.metadata.annotations
    expect(sumWith()).toEqual(sumWith())
    expect(sumWith('config.coherence.lease=9s')['checksum/config']).not.toBe(sumWith()['checksum/config'])
    expect(sumWith('admin.token=another')['checksum/secret']).not.toBe(sumWith()['checksum/secret'])
  })
})

describe('memory', () => {
  const parts = (manifests: Manifest[]) => {
    const [, heap] = /--max-old-space-size=(\d+)/.exec(variable(manifests, 'NODE_OPTIONS').value) ?? []
    const { limits, store } = parse(only(manifests, 'ConfigMap', 'herdgate').data['herdgate.yaml'])
    return { heap: Number(heap), bodies: limits.maxBodiesInProgress, store: store.memory.maxBytes }
  }

  test.each([
    ['256Mi', { bodies: '32MiB', store: '64MiB', heap: 96 }],
    ['512Mi', { bodies: '64MiB', store: '153MiB', heap: 231 }],
    ['1Gi', { bodies: '128MiB', store: '332MiB', heap: 500 }],
    ['1.5Gi', { bodies: '192MiB', store: '512MiB', heap: 768 }],
    ['2G', { bodies: '238MiB', store: '642MiB', heap: 963 }],
    ['16Gi', { bodies: '2048MiB', store: '5708MiB', heap: 8564 }],
  ])('of %s is divided, with 64 MiB for Node itself', (limit, expected) => {
    expect(parts(render('minimal.yaml', ...set(`resources.limits.memory=${limit}`)))).toEqual(expected)
  })

  test('given sizes are kept, and the heap gets the rest', () => {
    const given = { bodies: 33_554_432, store: '1GiB', heap: 2048 - 64 - 32 - 1024 }
    expect(parts(render('sized.yaml'))).toEqual(given)
  })

  test('of a pod with workers is divided among them and their primary', () => {
    const given = set('resources.limits.memory=2Gi', 'config.workers=4')
    const [node, bodies, store] = [5 * 64, 256, 588]
    expect(parts(render('minimal.yaml', ...given))).toEqual({
      bodies: `${bodies}MiB`,
      store: `${store}MiB`,
      heap: Math.floor((2048 - node - bodies - store) / 5),
    })
  })

  test('a limit that leaves too little for the heap is refused with its parts', () => {
    const tooLittle = set('config.store.memory.maxBytes=400MiB')
    expect(() => render('minimal.yaml', ...tooLittle)).toThrow(
      /resources\.limits\.memory: 512 MiB less 64 for Node, 64 for bodies .* and 400 for the store .* leaves -16/,
    )
  })

  test('given Node options are added', () => {
    expect(variable(render('everything.yaml'), 'NODE_OPTIONS').value).toBe('--max-old-space-size=1037 --trace-warnings')
  })
})

describe('values', () => {
  test.each([
    ['replicas=3', 'replicas'],
    ['config.stroe.memory.maxBytes=1MiB', 'stroe'],
    ['config.origins.api.urls=nothing', 'urls'],
    ['config.origins.api.timeout=3s', 'timeout'],
    ['config.listen.port=0', 'port'],
    ['config.coherence.lease=5', 'lease'],
    ['resources.limits.memory=lots', 'memory'],
    ['image.pullPolicy=Sometimes', 'pullPolicy'],
    ['image.digest=sha256:12', 'digest'],
    ['redis.url=http://redis:6379', 'url'],
    ['redis.seal=short', 'seal'],
    ['service.port=99999', 'port'],
    ['autoscaling.maxPods=3', 'maxPods'],
    ['metrics.serviceMonitor.interval=often', 'interval'],
    ['networkPolicy.enabled=perhaps', 'enabled'],
    ['preStopSeconds=0', 'preStopSeconds'],
  ])('%s is refused naming its key', (value, key) => {
    const refusal = new RegExp(`specifications of the schema[^]*${key}`)
    expect(() => render('minimal.yaml', ...set(value))).toThrow(refusal)
  })

  test.each([
    [['config.origins=null'], /config\.origins: required: expected at least one origin/],
    [['terminationGracePeriodSeconds=35'], /terminationGracePeriodSeconds: expected more than 35/],
    [['config.listen.drainDelay=9500ms'], /terminationGracePeriodSeconds: expected more than 45/],
    [['config.workers=auto'], /config\.workers: expected a number, as the memory of a pod is divided among workers/],
    [['metrics.serviceMonitor.enabled=true', 'metrics.podMonitor.enabled=true'], /not both/],
    [['ingress.enabled=true'], /ingress\.hosts: required/],
    [['httpRoute.enabled=true'], /httpRoute\.parentRefs: required/],
    [['valkey.enabled=true', 'redis.url=redis://r:6379'], /give only one of redis\.url/],
    [['autoscaling.enabled=true', 'autoscaling.targetCPUUtilizationPercentage=0'], /autoscaling: expected/],
    [['redis.existingSecret=mine', 'redis.seal=the-seal-of-this-fleet'], /redis\.existingSecretSealKey/],
    [['redis.url=redis://r:6379', 'redis.existingSecretSealKey=seal'], /redis\.existingSecretSealKey/],
    [['config.store.disk.path=./var/cache'], /config\.store\.disk\.path: expected an absolute path/],
    [['config.admin.host=127.0.0.1'], /config\.admin\.host: expected an address/],
    [['config.admin.host=localhost'], /config\.admin\.host: expected an address/],
    [['config.admin.host=::1'], /config\.admin\.host: expected an address/],
    [['config.admin.token=${ADMIN_TOKEN}'], /config\.admin\.token: .*admin\.existingSecret/],
  ])('%j are refused as a combination, with the reason', (values, why) => {
    expect(() => render('minimal.yaml', ...set(...values))).toThrow(why)
  })
})

describe('secrets', () => {
  test('are in the Secret and nowhere else', () => {
    const manifests = render('everything.yaml', ...set('admin.existingSecret=', 'admin.token=the-admin-token'))
    for (const secret of ['the-admin-token', 'user:pass', 'the-seal-of-this-fleet']) {
      const holders = manifests.filter((one) => JSON.stringify(one).includes(secret))
      expect(holders.map(({ kind }) => kind)).toEqual(['Secret'])
    }
    expect(only(manifests, 'Secret').stringData).toEqual({
      'admin-token': 'the-admin-token',
      'redis-url': 'rediss://user:pass@redis.example:6380',
      'redis-seal': 'the-seal-of-this-fleet',
    })
  })

  test('a token is generated when none is given', () => {
    expect(only(render('minimal.yaml'), 'Secret').stringData['admin-token']).toMatch(/^\w{40}$/)
  })

  const named = set('config.admin.tokens[0].name=one', 'config.admin.tokens[1].name=two')
  const variables = set('config.admin.tokens[0].token=${ONE}', 'config.admin.tokens[1].token=${TWO}')
  const literals: [key: string, secret: string, instead: RegExp][] = [
    ['config.admin.tokens[1].token', 'open-to-read', /config\.admin\.tokens\[1\]\.token: expected .*\$\{NAME\}/],
    ['config.admin.tokens[1].token', '$${open-to-read}', /config\.admin\.tokens\[1\]\.token: expected .*\$\{NAME\}/],
    ['config.store.redis.secret', 'open-to-read-seal', /config\.store\.redis\.secret: expected in redis\.seal/],
    [
      'config.store.redis.url',
      'redis://me:open-to-read@r:6379',
      /config\.store\.redis\.url: expected .* in redis\.url/,
    ],
    ['config.store.redis.url', 'redis://:open-to-read@r', /config\.store\.redis\.url: expected .* in redis\.url/],
  ]

  test.each(literals)('that would be in the ConfigMap are refused: %s=%s', (key, secret, instead) => {
    const rendered = () => render('minimal.yaml', ...named, ...variables, ...set(`${key}=${secret}`))
    expect(rendered).toThrow(instead)
    expect(rendered).not.toThrow(/^(?!Command failed).*open-to-read/m)
  })

  test.each(literals)('may be anything in a configuration that is not rendered: %s=%s', (key, secret) => {
    const kept = set('existingConfigMap=mine', `${key}=${secret}`)
    expect(() => render('minimal.yaml', ...named, ...variables, ...kept)).not.toThrow()
  })

  test.each(['redis://me:${PASSWORD}@r:6379', 'redis://me@r:6379', '${OUR_REDIS}', 'redis://r:6379/0'])(
    'named by variables are accepted, with a Redis at %s',
    (url) => {
      const redis = set(`config.store.redis.url=${url}`, 'config.store.redis.secret=${SEAL}')
      const { data } = only(render('minimal.yaml', ...named, ...variables, ...redis), 'ConfigMap')
      expect(data['herdgate.yaml']).toContain(`url: ${url}`)
    },
  )

  test('that exist are referenced, and none is created', () => {
    const manifests = render('existing.yaml')
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret')
    const reference = (name: string) => variable(manifests, name).valueFrom.secretKeyRef
    expect(reference('HERDGATE_ADMIN_TOKEN')).toEqual({ name: 'my-secrets', key: 'admin-token' })
    expect(reference('REDIS_URL')).toEqual({ name: 'my-secrets', key: 'redis-url' })
    expect(reference('REDIS_SEAL')).toEqual({ name: 'my-secrets', key: 'seal' })
  })
})

describe('pod shutdown', () => {
  test('keeps serving until load balancers know, then has time for requests in flight', () => {
    const { terminationGracePeriodSeconds, containers } = only(render('minimal.yaml'), 'Deployment').spec.template.spec
    expect(containers[0].lifecycle.preStop).toEqual({ sleep: { seconds: 5 } })
    expect(terminationGracePeriodSeconds).toBeGreaterThan(5 + 30)
  })

  test('before Kubernetes 1.30 Node performs the preStop sleep', () => {
    const { preStop } = herdgate(render('minimal.yaml', '--kube-version', '1.29.0')).lifecycle
    expect(preStop).toEqual({ exec: { command: ['node', '-e', 'setTimeout(() => {}, 5 * 1000)'] } })
  })

  test('a new pod is ready before an old one is stopped', () => {
    expect(only(render('minimal.yaml'), 'Deployment').spec.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    })
  })

  test('Recreate omits the rolling update settings, which Kubernetes refuses with it', () => {
    const { strategy } = only(render('minimal.yaml', ...set('updateStrategy.type=Recreate')), 'Deployment').spec
    expect(strategy).toEqual({ type: 'Recreate' })
  })
})

describe('network policy', () => {
  const ingressOf = (manifests: Manifest[], port: string) =>
    only(manifests, 'NetworkPolicy', 'herdgate').spec.ingress.find(({ ports }: Manifest) => ports[0].port === port)

  test('data port: everybody, or the given peers', () => {
    expect(ingressOf(render('minimal.yaml'), 'http').from).toBeUndefined()
    expect(ingressOf(render('everything.yaml', ...set('tests.path=')), 'http').from).toHaveLength(1)
  })

  test('data port: also the test pod, if it requests a path', () => {
    const manifests = render('everything.yaml')
    const [named, tested] = ingressOf(manifests, 'http').from
    expect(named).toHaveProperty('namespaceSelector')
    expect(podsOf(manifests).filter((pod) => matches(tested.podSelector.matchLabels, pod))).toEqual([
      only(manifests, 'Pod'),
    ])
  })

  test('admin port: monitoring, pods with the label, and the test pod', () => {
    const manifests = render('minimal.yaml')
    const labelled = { 'herdgate-admin-client': 'true' }
    expect(ingressOf(manifests, 'admin').from).toEqual([
      { podSelector: { matchLabels: labelled } },
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } },
    ])
    expect(podsOf(manifests).filter((pod) => matches(labelled, pod))).toHaveLength(1)
    expect(matches(labelled, only(manifests, 'Pod'))).toBe(true)
  })

  test('Valkey: Herdgate only', () => {
    const manifests = render('valkey.yaml')
    const [{ from }] = only(manifests, 'NetworkPolicy', 'valkey').spec.ingress
    const [{ podSelector }] = from
    const allowed = podsOf(manifests).filter((pod) => matches(podSelector.matchLabels, pod))
    expect(allowed).toEqual([only(manifests, 'Deployment', 'herdgate').spec.template])
  })

  test("the admin port has no cluster IP and is not in the clients' Service", () => {
    const manifests = render('everything.yaml')
    expect(only(manifests, 'Service', '-admin').spec.clusterIP).toBe('None')
    expect(only(manifests, 'Service', 'herdgate').spec.ports.map(({ targetPort }: Manifest) => targetPort)).toEqual([
      'http',
    ])
  })
})

describe('scaling', () => {
  test('is left to the autoscaler when there is one', () => {
    const manifests = render('everything.yaml')
    expect(only(manifests, 'Deployment').spec.replicas).toBeUndefined()
    const { spec } = only(manifests, 'HorizontalPodAutoscaler')
    expect(spec).toMatchObject({ minReplicas: 3, maxReplicas: 12, scaleTargetRef: { name: 'rel-herdgate' } })
    expect(spec.metrics.map(({ type }: Manifest) => type)).toEqual(['Resource', 'Pods'])
  })

  test('pods are spread over hosts, and never all disrupted at once', () => {
    const manifests = render('minimal.yaml')
    const { topologySpreadConstraints } = only(manifests, 'Deployment').spec.template.spec
    expect(topologySpreadConstraints).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ])
    expect(only(manifests, 'PodDisruptionBudget').spec).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    })
  })

  test('a single pod has no disruption budget, which would only block drains', () => {
    expect(render('existing.yaml').map(({ kind }) => kind)).not.toContain('PodDisruptionBudget')
  })
})

describe('routes to the data port', () => {
  test('by Ingress', () => {
    const { spec } = only(render('everything.yaml'), 'Ingress')
    expect(spec.ingressClassName).toBe('nginx')
    expect(spec.rules).toEqual([
      {
        host: 'shop.example',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'rel-herdgate', port: { name: 'http' } } } },
          ],
        },
      },
    ])
  })

  test('by HTTPRoute', () => {
    expect(only(render('everything.yaml'), 'HTTPRoute')).toMatchObject({
      apiVersion: 'gateway.networking.k8s.io/v1',
      spec: {
        parentRefs: [{ name: 'gateway' }],
        hostnames: ['shop.example'],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            backendRefs: [{ name: 'rel-herdgate', port: 80 }],
          },
        ],
      },
    })
  })
})

describe('monitoring', () => {
  test('a ServiceMonitor finds the admin Service and its port', () => {
    const manifests = render('everything.yaml')
    const monitor = only(manifests, 'ServiceMonitor')
    const found = manifests.filter((one) => one.kind === 'Service' && matches(monitor.spec.selector.matchLabels, one))
    expect(found).toEqual([only(manifests, 'Service', '-admin')])
    expect(monitor.spec.endpoints).toEqual([{ port: found[0].spec.ports[0].name, path: '/metrics', interval: '15s' }])
    expect(monitor.metadata.labels['release']).toBe('prometheus')
  })

  test('a PodMonitor names a port of the pods', () => {
    const manifests = render('valkey.yaml')
    const [endpoint] = only(manifests, 'PodMonitor').spec.podMetricsEndpoints
    expect(herdgate(manifests).ports.map(({ name }: Manifest) => name)).toContain(endpoint.port)
  })

  test('the rules are those of the file, with reachable runbook URLs', () => {
    const rules = parse(
      readFileSync(join(CHART, 'rules/herdgate.yaml'), 'utf8').replaceAll(
        'docs/runbooks.md',
        'https://runbooks.example/herdgate',
      ),
    )
    expect(only(render('everything.yaml'), 'PrometheusRule').spec).toEqual(rules)
  })

  test('the dashboard is that of the file, where the sidecar finds it', () => {
    const { metadata, data } = only(render('everything.yaml'), 'ConfigMap', 'dashboard')
    expect(metadata).toMatchObject({ labels: { grafana_dashboard: '1' }, annotations: { grafana_folder: 'Edge' } })
    expect(JSON.parse(data['herdgate.json'])).toEqual(
      JSON.parse(readFileSync(join(CHART, 'dashboards/herdgate.json'), 'utf8')),
    )
  })
})

describe('disk', () => {
  const volumeOf = (manifests: Manifest[]) =>
    only(manifests, 'Deployment').spec.template.spec.volumes.find(({ name }: Manifest) => name === 'disk')

  test('exists when the configuration names it, with room to spare', () => {
    const manifests = render('everything.yaml')
    expect(volumeOf(manifests)).toEqual({ name: 'disk', emptyDir: { sizeLimit: '25600Mi' } })
    expect(herdgate(manifests).volumeMounts).toContainEqual({ name: 'disk', mountPath: '/app/var/cache' })
    expect(volumeOf(render('minimal.yaml'))).toBeUndefined()
  })

  test('may be another kind of volume', () => {
    expect(volumeOf(render('sized.yaml')).ephemeral.volumeClaimTemplate.spec.resources.requests.storage).toBe('120Gi')
  })
})

test('helm test requests the admin port, and a data port path if given', () => {
  const questions = (file: string, ...more: string[]) =>
    only(render(file, ...set(...more)), 'Pod').spec.containers.map(({ args }: Manifest) => args)
  expect(questions('minimal.yaml')).toEqual([['probe', '--timeout=30s', 'http://rel-herdgate-admin:9090']])
  expect(questions('everything.yaml')).toContainEqual(['probe', '--timeout=30s', 'http://rel-herdgate:80/products/1'])
  const root = 'http://rel-herdgate:80/?' // without the question mark it would request /readyz
  expect(questions('minimal.yaml', 'tests.path=/')).toContainEqual(['probe', '--timeout=30s', root])
})

test('the image is that of this version, or the given digest', () => {
  expect(herdgate(render('minimal.yaml')).image).toBe(`herdgate:${manifest.version}`)
  expect(herdgate(render('everything.yaml')).image).toMatch(/^registry\.example\/herdgate@sha256:/)
})

test('long release names leave room for suffixes', () => {
  const name = 'a'.repeat(53)
  const text = helm('template', name, CHART, '--values', join(CHART, 'ci/valkey.yaml'))
  for (const [, found = ''] of text.matchAll(/^ {2}name: (\S+)$/gm)) expect(found.length).toBeLessThanOrEqual(63)
})

describe('labels', () => {
  const labelsOf = (manifests: Manifest[]) => only(manifests, 'Deployment').spec.template.metadata.labels

  test('given twice are rendered once, the more specific ones', () => {
    const given = ['commonLabels.release=all', 'podLabels.release=pods', 'metrics.podMonitor.labels.release=monitor']
    const manifests = render('minimal.yaml', ...set(...given, 'metrics.podMonitor.enabled=true'))
    expect(labelsOf(manifests).release).toBe('pods')
    expect(only(manifests, 'PodMonitor').metadata.labels.release).toBe('monitor')
    expect(only(manifests, 'Service', 'herdgate').metadata.labels.release).toBe('all')
  })

  test.each(['commonLabels', 'podLabels'])('by which pods are selected are not changed by %s', (value) => {
    const manifests = render('minimal.yaml', ...set(`${value}.app\\.kubernetes\\.io/component=web`))
    const { selector, template } = only(manifests, 'Deployment').spec
    expect(matches(selector.matchLabels, template)).toBe(true)
  })

  test('are text although the name of the release is a number', () => {
    const text = helm('template', '42', CHART, '--values', join(CHART, 'ci/minimal.yaml'))
    expect(text).toContain('app.kubernetes.io/instance: "42"')
    expect(text).not.toContain('app.kubernetes.io/instance: 42')
  })
})

describe('notes', () => {
  const notes = (file: string, ...values: string[]) =>
    helm('install', 'rel', CHART, '--dry-run=client', '--values', join(CHART, 'ci', file), ...set(...values)).split(
      'NOTES:',
    )[1] ?? ''

  test('say how to reach it and where to find the token', () => {
    expect(notes('minimal.yaml')).toContain('http://rel-herdgate.default:80')
    expect(notes('existing.yaml')).toContain("get secret my-secrets -o jsonpath='{.data.admin-token}'")
    expect(notes('existing.yaml', 'admin.existingSecretKey=token.txt')).toContain("jsonpath='{.data.token\\.txt}'")
  })

  test('warn of several pods that do not share a log', () => {
    expect(notes('minimal.yaml')).toContain('WARNING: several pods and no Redis')
    expect(notes('sized.yaml')).not.toContain('several pods and no Redis')
  })

  test('warn of a Valkey without persistence', () => {
    expect(notes('valkey.yaml')).toContain('WARNING: the Valkey of this chart is for trying things out')
  })
})
