{{/*
Combinations of values that cannot work and that JSON Schema cannot express: each message says what is wrong and the ways out.
What a single value may be is in values.schema.json. Included by configmap.yaml, which every release has.
*/}}
{{- define "roster.validation" -}}
{{- $config := .Values.config -}}

{{- /* What `roster serve` refuses at its start. */ -}}
{{- if and (ne $config.auth "disabled") (not .Values.tokens.secretName) (not $config.oidcIssuer) -}}
{{- fail "config.auth is `required`, and nothing verifies tokens: every pod would refuse to start. Choose one: tokens.secretName, a Secret with Roster's own keys (`roster token keygen`); config.oidcIssuer and config.oidcAudience, an OpenID Connect issuer; or config.auth: disabled, which lets everybody in who reaches the Service." -}}
{{- end -}}
{{- if and $config.oidcIssuer (not $config.oidcAudience) -}}
{{- fail "config.oidcIssuer is set and config.oidcAudience is empty: every token of the issuer would be accepted, whatever it was issued for. Set config.oidcAudience." -}}
{{- end -}}
{{- if and $config.h2c .Values.tls.enabled -}}
{{- fail "config.h2c and tls.enabled exclude each other: over TLS, HTTP/2 is negotiated. Switch one of them off." -}}
{{- end -}}
{{- if and $config.otlpEndpoint (not .Values.image.otlp) -}}
{{- fail "config.otlpEndpoint is set, and the released image is built without OpenTelemetry: every pod would refuse to start. Build an image with `--features otlp` and set image.otlp, or leave config.otlpEndpoint empty." -}}
{{- end -}}
{{- if eq (include "roster.apiPort" .) (include "roster.adminPort" .) -}}
{{- fail (printf "config.listen and config.adminListen have the same port, %s: give them two." (include "roster.apiPort" .)) -}}
{{- end -}}

{{- /* Pods. */ -}}
{{- $drainMs := add (int64 (default 0 $config.drainDelayMs)) (int64 (default 25000 $config.drainTimeoutMs)) -}}
{{- if le (mul 1000 (int64 .Values.terminationGracePeriodSeconds)) $drainMs -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, but a pod may take %d ms to end (config.drainDelayMs and config.drainTimeoutMs): it would be killed with requests in flight. Increase it." (int64 .Values.terminationGracePeriodSeconds) $drainMs) -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int64 .minReplicas) (int64 .maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %d, more than autoscaling.maxReplicas, which is %d." (int64 .minReplicas) (int64 .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.logFile.sidecar.image (not .Values.logFile.enabled) -}}
{{- fail "logFile.sidecar.image is set and logFile.enabled is false: there is no file to ship. Set logFile.enabled." -}}
{{- end -}}
{{- if and .Values.tests.enabled (ne $config.auth "disabled") (not .Values.tests.clientSecretName) -}}
{{- fail "tests.clientSecretName is empty and config.auth is `required`: the smoke test needs a client (`roster client create`). Set it, or tests.enabled: false." -}}
{{- end -}}

{{- if and .Values.tests.enabled (ne $config.auth "disabled") (not .Values.tokens.secretName) -}}
{{- fail "tests.enabled is set, config.auth is `required` and tokens.secretName is empty: the smoke test asks Roster itself for a token, and it would issue none. Set tokens.secretName beside the issuer, or tests.enabled: false." -}}
{{- end -}}

{{- /* The way in. `wait` of the change feed holds an answer for up to 30 s. */ -}}
{{- range $value := list "gateway" "ingress" -}}
{{- $timeout := get (get $.Values $value) "requestTimeout" -}}
{{- if le (int (trimSuffix "s" $timeout)) 30 -}}
{{- fail (printf "%s.requestTimeout is %s, but a request to /v1/users/changes?wait=30 is answered after 30 s: it would end with 504. Set more than 30s." $value $timeout) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.gateway.enabled (not .Values.gateway.create) (not .Values.gateway.parentRefs) -}}
{{- fail "gateway.create is false and gateway.parentRefs is empty: name the Gateway that the routes join, or set gateway.create." -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (or .Values.gateway.enabled .Values.ingress.enabled) (not .Values.networkPolicy.gateways) (not (include "roster.gkeFrontEnd" .)) -}}
{{- fail "networkPolicy.gateways is empty: the pods would refuse the gateway's or ingress controller's connections. Set it to where they come from, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: traefik}}}]; on GKE set gateway.gke.enabled or ingress.gke.enabled; or set networkPolicy.enabled: false." -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (ne .Values.service.type "ClusterIP") -}}
{{- $outside := false -}}
{{- range .Values.networkPolicy.clients -}}{{- if .ipBlock -}}{{- $outside = true -}}{{- end -}}{{- end -}}
{{- if not $outside -}}
{{- fail (printf "service.type is %s, and networkPolicy.clients names pods alone: nobody outside of the cluster could call. Add an ipBlock of theirs." .Values.service.type) -}}
{{- end -}}
{{- end -}}

{{- /* Monitoring. */ -}}
{{- with .Values.monitoring -}}
{{- if and .prometheusRule.enabled (not .serviceMonitor.enabled) (not .job) -}}
{{- fail "monitoring.prometheusRule.enabled is set without monitoring.serviceMonitor.enabled: RosterAbsent would fire for ever. Enable the ServiceMonitor, or set monitoring.job to the `job` label under which something else scrapes the pods." -}}
{{- end -}}
{{- end -}}
{{- end }}
