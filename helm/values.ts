/** The schema of the chart's values. Names and defaults are explained in herdgate/values.yaml. */
import * as z from 'zod'
import { configJsonSchema } from '../src/config.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

const text = z.string()
const flag = z.boolean()
const count = z.int().min(0)
/** Defined and checked by Kubernetes. */
const object = z.looseObject({})
const objects = z.array(object)
const texts = z.record(z.string(), z.string())

/** A Kubernetes quantity that the chart computes with. */
const memory = z.union([z.string().regex(/^\d+(\.\d+)?([kMGT]|[KMGT]i)?$/), z.int().min(1)])
const seconds = z.int().min(0).max(3600)
const shareOfPods = z.union([z.int().min(0), z.string().regex(/^\d{1,3}%$/)])
const interval = z.string().regex(/^\d+(ms|s|m|h)$/)

const group = <Shape extends z.core.$ZodShape>(shape: Shape) => z.strictObject(shape).partial()

const monitor = group({
  enabled: flag,
  labels: texts,
  interval,
  relabelings: objects,
  metricRelabelings: objects,
})

const image = {
  repository: text.min(1),
  tag: text,
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
}

const resources = z.looseObject({
  limits: z.looseObject({ memory }),
  requests: object.optional(),
})

const valuesSchema = group({
  global: object,
  nameOverride: text.max(63),
  fullnameOverride: text.max(50),
  commonLabels: texts,
  image: group({ ...image, pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']) }),
  imagePullSecrets: objects,
  replicaCount: count,
  config: object,
  existingConfigMap: text,
  admin: group({
    token: z.string().regex(/^[\x21-\x7e]*$/),
    existingSecret: text,
    existingSecretKey: text.min(1),
  }),
  redis: group({
    url: z.string().regex(/^(rediss?(\+cluster|\+sentinel)?:\/\/.+)?$/),
    seal: z.string().regex(/^(.{16,})?$/),
    existingSecret: text,
    existingSecretKey: text.min(1),
    existingSecretSealKey: text,
  }),
  valkey: group({
    enabled: flag,
    image: group(image),
    maxMemory: z.string().regex(/^\d+(kb|mb|gb)$/),
    resources: object,
  }),
  resources,
  nodeOptions: text,
  diskVolume: object,
  extraArgs: z.array(text),
  extraEnv: z.array(z.looseObject({ name: text.min(1) })),
  extraEnvFrom: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  extraContainers: objects,
  initContainers: objects,
  extraObjects: z.array(z.union([object, text])),
  service: group({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port: z.int().min(1).max(65_535),
    annotations: texts,
    externalTrafficPolicy: z.enum(['', 'Cluster', 'Local']),
  }),
  ingress: group({
    enabled: flag,
    className: text,
    annotations: texts,
    hosts: z.array(
      z.strictObject({
        host: text,
        paths: z.array(z.strictObject({ path: text, pathType: z.enum(['Exact', 'Prefix', 'ImplementationSpecific']) })),
      }),
    ),
    tls: objects,
  }),
  httpRoute: group({
    enabled: flag,
    annotations: texts,
    parentRefs: objects,
    hostnames: z.array(text),
    matches: objects,
  }),
  autoscaling: group({
    enabled: flag,
    minReplicas: z.int().min(1),
    maxReplicas: z.int().min(1),
    targetCPUUtilizationPercentage: count,
    metrics: objects,
    behavior: object,
  }),
  podDisruptionBudget: group({ enabled: flag, maxUnavailable: shareOfPods }),
  networkPolicy: group({ enabled: flag, dataFrom: objects, adminFrom: objects, egress: objects }),
  metrics: group({
    serviceMonitor: monitor,
    podMonitor: monitor,
    prometheusRule: group({ enabled: flag, labels: texts, runbooks: text }),
    dashboard: group({ enabled: flag, labels: texts, annotations: texts }),
  }),
  serviceAccount: group({ create: flag, name: text, annotations: texts }),
  podLabels: texts,
  podAnnotations: texts,
  podSecurityContext: object,
  securityContext: object,
  startupProbe: object,
  livenessProbe: object,
  readinessProbe: object,
  preStopSeconds: seconds.min(1),
  terminationGracePeriodSeconds: seconds,
  updateStrategy: object,
  revisionHistoryLimit: count,
  topologySpreadConstraints: objects,
  affinity: object,
  nodeSelector: texts,
  tolerations: objects,
  priorityClassName: text,
  runtimeClassName: text,
  tests: group({ path: z.string().regex(/^(\/.*)?$/) }),
})

/** JSON Schema that Helm validates values against: draft 7, self-contained. */
export function valuesJsonSchema(): JsonSchema {
  const schema: JsonSchema = z.toJSONSchema(valuesSchema, { target: 'draft-7', io: 'input' })
  return { ...schema, properties: { ...schema.properties, config: configOfChart() } }
}

/** The schema of the file, but with ports that a Service can name, and a Redis whose URL may come from a Secret. */
function configOfChart(): JsonSchema {
  const { $schema: _, ...config } = configJsonSchema('draft-7')
  for (const section of ['listen', 'admin']) {
    const listener = propertyOf(config, section)
    const { description = '' } = propertyOf(listener, 'port')
    listener.properties = {
      ...listener.properties,
      port: { type: 'integer', minimum: 1, maximum: 65_535, description },
    }
  }
  delete propertyOf(config, 'store', 'redis').required
  return config
}

/** @throws Error when the configuration has no such key */
function propertyOf(schema: JsonSchema, ...path: readonly string[]): JsonSchema {
  return path.reduce((parent, name) => {
    const child = parent.properties?.[name]
    if (typeof child !== 'object') throw new Error(`the configuration has no key ${path.join('.')}`)
    return child
  }, schema)
}
