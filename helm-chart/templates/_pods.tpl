{{/* Parts that the chart's pods have in common: the server, the migration, the smoke test. */}}

{{- define "roster.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else if .Values.image.requireDigest -}}
{{ fail "image.digest is empty and image.requireDigest is set: a tag can move after it was tested. Set image.digest to the sha256 that `cargo xtask image push` wrote to target/image.json." }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* What the image was built from, where it is known. */}}
{{- define "roster.originAnnotations" -}}
{{- with .Values.image.commit }}
roster-directory.github.io/commit: {{ . | quote }}
{{- end }}
{{- with .Values.image.subject }}
roster-directory.github.io/subject: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Labels of a pod: (list context component). Users' labels are added; those that select pods cannot be replaced (values.schema.json). */}}
{{- define "roster.podLabels" -}}
{{- $context := first . -}}
{{ include "roster.merge" (list (include "roster.labels" $context | fromYaml) $context.Values.podLabels (include "roster.selectorLabels" $context | fromYaml) (dict "app.kubernetes.io/component" (last .))) }}
{{- end }}

{{/* The fields of a pod's spec that are the same in all pods. Of the affinity, only the server's pods have the part about other pods. */}}
{{- define "roster.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.runAsUser }}
  runAsGroup: {{ .Values.runAsUser }}
  fsGroup: {{ .Values.runAsUser }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "roster.nodeAffinity" -}}
{{- with .Values.affinity.nodeAffinity -}}
affinity:
  nodeAffinity:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}

{{- define "roster.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A setting of the service in camel case, as its environment variable. */}}
{{- define "roster.environmentVariable" -}}
ROSTER_{{ regexReplaceAll "([A-Z])" . "_${1}" | upper }}
{{- end }}

{{/* Value of an environment variable. Helm reads numbers from files as floats, which print as 1e+06. */}}
{{- define "roster.environmentValue" -}}
{{ if kindIs "float64" . }}{{ int64 . | quote }}{{ else }}{{ . | toString | quote }}{{ end }}
{{- end }}

{{/* How a container finds the database: files, so that no secret is in an environment. */}}
{{- define "roster.databaseEnvironment" -}}
- name: ROSTER_DATABASE_URL_FILE
  value: /etc/roster/database/url
{{- if .Values.database.passwordKey }}
- name: ROSTER_DATABASE_PASSWORD_FILE
  value: /etc/roster/database/password
{{- end }}
{{- if .Values.database.caKey }}
- name: ROSTER_DATABASE_CA_FILE
  value: /etc/roster/database/ca.crt
{{- end }}
{{- end }}

{{- define "roster.databaseVolume" -}}
- name: database
  secret:
    secretName: {{ required "database.secretName is empty: set it to the Secret with the database's connection URL." .secretName }}
    defaultMode: 288 # 0440, which YAML 1.2 would not read as octal
    items:
      - {key: {{ .values.urlKey | quote }}, path: url}
      {{- with .values.passwordKey }}
      - {key: {{ . | quote }}, path: password}
      {{- end }}
      {{- with .values.caKey }}
      - {key: {{ . | quote }}, path: ca.crt}
      {{- end }}
{{- end }}

{{/* The Cloud SQL proxy, as a sidecar that starts before and ends after the others. */}}
{{- define "roster.cloudSqlProxy" -}}
{{- $proxy := .Values.database.cloudSqlProxy -}}
- name: cloud-sql-proxy
  image: {{ $proxy.image }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  args:
    - --structured-logs
    - --port={{ $proxy.port }}
    - --health-check
    - {{ printf "--http-address=%s" (include "roster.anyAddress" .) | quote }}
    - --http-port=9801
    {{- if $proxy.privateIp }}
    - --private-ip
    {{- end }}
    {{- if $proxy.iamAuthentication }}
    - --auto-iam-authn
    {{- end }}
    - {{ required "database.cloudSqlProxy.instanceConnectionName is empty: set it to the instance, as project:region:instance." $proxy.instanceConnectionName | quote }}
  startupProbe:
    httpGet: {path: /startup, port: 9801}
    periodSeconds: 1
    failureThreshold: 60
  securityContext:
    {{- include "roster.containerSecurityContext" . | nindent 4 }}
  resources:
    {{- toYaml $proxy.resources | nindent 4 }}
{{- end }}

{{/*
Replicas of the Deployment while an autoscaler decides: none, unless leaving the field out would reset it to 1. That is so at the
first install, when autoscaling has just been switched on, and (with client-side apply) whenever the last revision had the field.
With server-side apply the field is left out as soon as the autoscaler owns it: to state it then is a conflict.
*/}}
{{- define "roster.autoscaledReplicas" -}}
{{- $live := lookup "apps/v1" "Deployment" .Release.Namespace (include "roster.fullname" .) -}}
{{- if $live -}}
{{- $applied := false -}}
{{- $scaled := false -}}
{{- range $live.metadata.managedFields -}}
{{- if eq .operation "Apply" -}}{{- $applied = true -}}{{- end -}}
{{- if eq (toString .subresource) "scale" -}}{{- $scaled = true -}}{{- end -}}
{{- end -}}
{{- if not (and $applied $scaled) -}}{{ $live.spec.replicas }}{{- end -}}
{{- else if lookup "v1" "ServiceAccount" .Release.Namespace "default" -}}
{{- /* A cluster answers, so this is an install and not `helm template`, whose output others apply again and again. */ -}}
{{ .Values.autoscaling.minReplicas }}
{{- end -}}
{{- end }}
