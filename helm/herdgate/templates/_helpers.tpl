{{- define "herdgate.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters, so that suffixes fit into the 63 of a DNS label. */}}
{{- define "herdgate.fullname" -}}
{{- $name := include "herdgate.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/*
Labels of an object; call with (list . "component"), or with (list . "component" labels). Those that select pods
count for more than its own, which count for more than those of every object.
*/}}
{{- define "herdgate.labels" -}}
{{- $top := index . 0 -}}
{{- $own := dict -}}
{{- if gt (len .) 2 }}{{ $own = index . 2 | default dict }}{{ end -}}
{{- $chart := dict
  "helm.sh/chart" (printf "%s-%s" $top.Chart.Name $top.Chart.Version | replace "+" "_")
  "app.kubernetes.io/version" $top.Chart.AppVersion
  "app.kubernetes.io/managed-by" $top.Release.Service -}}
{{- toYaml (merge (include "herdgate.selector" . | fromYaml) $own ($top.Values.commonLabels | default dict) $chart) -}}
{{- end -}}

{{/* Labels that select pods; call with (list . "component"). In quotes where needed: a release may be named 42. */}}
{{- define "herdgate.selector" -}}
{{- $top := index . 0 -}}
{{- toYaml (dict
  "app.kubernetes.io/name" (include "herdgate.name" $top)
  "app.kubernetes.io/instance" $top.Release.Name
  "app.kubernetes.io/component" (index . 1)) -}}
{{- end -}}

{{/* Call with (list image defaultTag). */}}
{{- define "herdgate.image" -}}
{{- $image := index . 0 -}}
{{- $version := ternary (printf "@%s" $image.digest) (printf ":%s" ($image.tag | default (index . 1))) (ne $image.digest "") -}}
{{- printf "%s%s" $image.repository $version -}}
{{- end -}}

{{- define "herdgate.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "herdgate.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* A volume is mounted there. Kubernetes resolves a relative path from the root, Herdgate from its own folder. */}}
{{- define "herdgate.pathOnDisk" -}}
{{- $path := dig "store" "disk" "path" "" .Values.config -}}
{{- if and $path (not (hasPrefix "/" $path)) -}}
{{- fail (printf "config.store.disk.path: expected an absolute path such as /app/var/cache, got %s" $path) -}}
{{- end -}}
{{- $path -}}
{{- end -}}

{{/* A Kubernetes quantity or a Herdgate size in whole MiB: 512Mi, 512MiB, 1.5Gi, 500M, 536870912. */}}
{{- define "herdgate.mebibytes" -}}
{{- $text := kindIs "string" . | ternary . (printf "%.0f" (float64 .)) -}}
{{- $unit := regexReplaceAll "^[0-9.]+" $text "" | trimSuffix "B" -}}
{{- $bytes := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- if not (hasKey $bytes $unit) }}{{ fail (printf "expected a size such as 512Mi, got %s" $text) }}{{ end -}}
{{- divf (mulf (regexFind "^[0-9.]+" $text | float64) (get $bytes $unit)) 1048576 | floor | int64 -}}
{{- end -}}

{{/* A Herdgate duration in seconds, rounded up: 250ms, 5s, 1m. */}}
{{- define "herdgate.seconds" -}}
{{- $number := regexFind "^[0-9.]+" . | float64 -}}
{{- $seconds := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- $unit := regexReplaceAll "^[0-9.]+" . "" -}}
{{- if not (hasKey $seconds $unit) }}{{ fail (printf "expected a duration such as 5s, got %s" .) }}{{ end -}}
{{- mulf $number (get $seconds $unit) | ceil | int64 -}}
{{- end -}}

{{/* The number of processes in a pod: several workers have a primary beside them. */}}
{{- define "herdgate.processes" -}}
{{- $workers := dig "workers" 1 .Values.config -}}
{{- if kindIs "string" $workers -}}
{{- fail (printf "config.workers: expected a number, as the memory of a pod is divided among workers, got %s" $workers) -}}
{{- end -}}
{{- gt (int64 $workers) 1 | ternary (add $workers 1) 1 -}}
{{- end -}}

{{/*
How the memory limit is divided, in MiB: 64 for Node itself in each process, an eighth for bodies being received; of the rest
two fifths for the store and three for Node's heap. Whatever is stored apart from bodies is on the heap; with small bodies that
is more than half of the store. `heap` is that of one process.
*/}}
{{- define "herdgate.memory" -}}
{{- $processes := include "herdgate.processes" . | int64 -}}
{{- $node := mul 64 $processes -}}
{{- $limit := include "herdgate.mebibytes" .Values.resources.limits.memory | int64 -}}
{{- $bodies := div $limit 8 -}}
{{- with dig "limits" "maxBodiesInProgress" nil .Values.config }}{{ $bodies = include "herdgate.mebibytes" . | int64 }}{{ end -}}
{{- $rest := sub (sub $limit $node) $bodies -}}
{{- $store := div (mul $rest 2) 5 -}}
{{- with dig "store" "memory" "maxBytes" nil .Values.config }}{{ $store = include "herdgate.mebibytes" . | int64 }}{{ end -}}
{{- $heap := div (sub $rest $store) $processes -}}
{{- if lt $heap 96 -}}
{{- $message := "resources.limits.memory: %d MiB less %d for Node, %d for bodies in progress (config.limits.maxBodiesInProgress) and %d for the store (config.store.memory.maxBytes) leaves %d for the heap of each process; expected at least 96" -}}
{{- fail (printf $message $limit $node $bodies $store $heap) -}}
{{- end -}}
bodies: {{ $bodies }}
store: {{ $store }}
heap: {{ $heap }}
{{- end -}}

{{/* Where the URL of Redis comes from: secret, valkey, config or nowhere. */}}
{{- define "herdgate.redisFrom" -}}
{{- $inConfig := dig "store" "redis" "url" "" .Values.config -}}
{{- $ways := list -}}
{{- if or .Values.redis.url .Values.redis.existingSecret }}{{ $ways = append $ways "secret" }}{{ end -}}
{{- if .Values.valkey.enabled }}{{ $ways = append $ways "valkey" }}{{ end -}}
{{- if $inConfig }}{{ $ways = append $ways "config" }}{{ end -}}
{{- if gt (len $ways) 1 }}{{ fail "give only one of redis.url (or redis.existingSecret), valkey.enabled and config.store.redis.url" }}{{ end -}}
{{- join "" $ways -}}
{{- end -}}

{{- define "herdgate.hasSeal" -}}
{{- with .Values.redis -}}
{{- if and .existingSecret .seal (not .existingSecretSealKey) -}}
{{- fail "redis.seal: with redis.existingSecret the seal must be in that Secret too; name its key with redis.existingSecretSealKey" -}}
{{- end -}}
{{- if and .existingSecretSealKey (not .existingSecret) -}}
{{- fail "redis.existingSecretSealKey: names a key of redis.existingSecret, which is not set; set it, or use redis.seal instead" -}}
{{- end -}}
{{- end -}}
{{- ternary .Values.redis.existingSecretSealKey .Values.redis.seal (ne .Values.redis.existingSecret "") -}}
{{- end -}}

{{/* The configuration as given, completed from other values. */}}
{{- define "herdgate.config" -}}
{{- $memory := include "herdgate.memory" . | fromYaml -}}
{{- $store := dict "memory" (dict "maxBytes" (printf "%.0fMiB" $memory.store)) -}}
{{- $redis := dict -}}
{{- $redisFrom := include "herdgate.redisFrom" . -}}
{{- if has $redisFrom (list "secret" "valkey") }}{{ $_ := set $redis "url" "${REDIS_URL}" }}{{ end -}}
{{- if and $redisFrom (include "herdgate.hasSeal" .) }}{{ $_ := set $redis "secret" "${REDIS_SEAL}" }}{{ end -}}
{{- if $redis }}{{ $_ := set $store "redis" $redis }}{{ end -}}
{{- $limits := dict "maxBodiesInProgress" (printf "%.0fMiB" $memory.bodies) -}}
{{- toYaml (merge (deepCopy .Values.config) (dict "store" $store "limits" $limits)) -}}
{{- end -}}

{{/* Whoever may read ConfigMaps would read secrets that the configuration itself has, rather than names of variables. */}}
{{- define "herdgate.refuseSecrets" -}}
{{- $variable := "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" -}}
{{- $isVariable := printf "^%s$" $variable -}}
{{- range $at, $limited := dig "admin" "tokens" list .Values.config -}}
{{- if not (regexMatch $isVariable $limited.token) -}}
{{- fail (printf "config.admin.tokens[%d].token: expected ${NAME}, with that variable from a Secret in extraEnv, as this would be readable in a ConfigMap" $at) -}}
{{- end -}}
{{- end -}}
{{- with dig "store" "redis" "secret" "" .Values.config -}}
{{- if not (regexMatch $isVariable .) -}}
{{- fail "config.store.redis.secret: expected in redis.seal or redis.existingSecretSealKey, or as ${NAME}, as this would be readable in a ConfigMap" -}}
{{- end -}}
{{- end -}}
{{- $toPassword := "^[^:]*://[^:]*:" -}}
{{- with dig "store" "redis" "url" "" .Values.config -}}
{{- if and (regexMatch (printf "%s.+@" $toPassword) .) (not (regexMatch (printf "%s%s@" $toPassword $variable) .)) -}}
{{- fail "config.store.redis.url: expected a URL with a password in redis.url or redis.existingSecret, or the password as ${NAME}, as this would be readable in a ConfigMap" -}}
{{- end -}}
{{- end -}}
{{- end -}}
