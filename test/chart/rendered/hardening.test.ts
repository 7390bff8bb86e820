/** What manifest linters check, over everything that the chart renders from ci/. */
import { describe, expect, test } from 'vitest'
import { CASES, type Manifest, matches, podsOf, render } from './render.ts'

describe.each(CASES)('with %s', (file) => {
  const manifests = render(file)
  const pods = podsOf(manifests)
  const containers: Manifest[] = pods.flatMap(({ spec }) => spec.containers)

  test('there are pods', () => {
    expect(pods.length).toBeGreaterThan(1)
  })

  test('every object has a unique name, a namespace and the common labels', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
    for (const { metadata } of manifests.filter(({ metadata }) => metadata.name !== 'rel-extra')) {
      expect(metadata.name.length).toBeLessThanOrEqual(63)
      expect(metadata.namespace).toBe('edge')
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'herdgate',
        'app.kubernetes.io/instance': 'rel',
        'app.kubernetes.io/managed-by': 'Helm',
      })
    }
  })

  test('no container runs as root, writes to its root file system, or may gain privileges', () => {
    for (const { spec } of pods) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 })
      expect(spec.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' })
    }
    for (const container of containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    }
  })

  test('no pod has access to the host or the API server', () => {
    for (const { spec } of pods) {
      const { hostNetwork, hostPID, hostIPC, volumes = [] } = spec
      expect({ hostNetwork, hostPID, hostIPC }).toEqual({})
      expect(volumes.filter((volume: Manifest) => volume.hostPath !== undefined)).toEqual([])
      expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
      expect(spec.serviceAccountName).not.toBe('default')
    }
    for (const { ports = [] } of containers) {
      for (const port of ports) {
        expect(port.hostPort).toBeUndefined()
        expect(port.containerPort).toBeGreaterThan(1023)
      }
    }
  })

  test('every image has a version', () => {
    for (const { image } of containers) expect(image).toMatch(/(?::\d[\w.-]*|@sha256:[0-9a-f]{64})$/)
  })

  test('every container requests CPU and memory, and has a memory limit', () => {
    for (const { resources } of containers) {
      expect(resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
      expect(resources.limits).toEqual({ memory: expect.any(String) })
    }
  })

  test('serving containers are probed, at ports they have', () => {
    const serving = pods.filter(({ spec }) => spec.restartPolicy !== 'Never').flatMap(({ spec }) => spec.containers)
    for (const container of serving) {
      const named = container.ports.map(({ name }: Manifest) => name)
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        const { httpGet, tcpSocket, exec } = container[probe]
        if (exec === undefined) expect(named).toContain((httpGet ?? tcpSocket).port)
      }
    }
  })

  test('no secret is in an environment variable', () => {
    const values = containers.flatMap(({ env = [] }) => env).filter(({ value }: Manifest) => value !== undefined)
    expect(
      values.filter(({ name, value }: Manifest) => /TOKEN|SEAL|SECRET|PASS/i.test(name) || /:\/\/.*@/.test(value)),
    ).toEqual([])
  })

  test('Deployments, Services, policies and budgets select existing pods', () => {
    const selectors = manifests.flatMap(({ kind, spec }) => {
      if (kind === 'Service') return [spec.selector]
      if (['Deployment', 'PodDisruptionBudget', 'PodMonitor'].includes(kind)) return [spec.selector.matchLabels]
      return kind === 'NetworkPolicy' ? [spec.podSelector.matchLabels] : []
    })
    expect(selectors.length).toBeGreaterThan(2)
    for (const selector of selectors) expect(pods.filter((pod) => matches(selector, pod))).toHaveLength(1)
  })

  test('Services lead to existing ports of their pods', () => {
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Service')) {
      const pod = pods.find((candidate) => matches(spec.selector, candidate))
      const named = pod.spec.containers.flatMap(({ ports = [] }: Manifest) => ports.map(({ name }: Manifest) => name))
      for (const { targetPort } of spec.ports) expect(named).toContain(targetPort)
    }
  })

  test('every mount has a volume', () => {
    for (const { spec } of pods) {
      const volumes = (spec.volumes ?? []).map(({ name }: Manifest) => name)
      const mounted = spec.containers.flatMap(({ volumeMounts = [] }: Manifest) => volumeMounts)
      for (const { name } of mounted) expect(volumes).toContain(name)
    }
  })
})
