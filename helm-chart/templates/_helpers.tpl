{{- define "roster.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "roster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "roster.name" .) .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "roster.name" .) | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "roster.selectorLabels" -}}
app.kubernetes.io/name: {{ include "roster.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "roster.labels" -}}
{{ include "roster.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "roster.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "roster.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "roster.serviceAccountAnnotations" -}}
{{- $annotations := deepCopy .Values.serviceAccount.annotations -}}
{{- with .Values.serviceAccount.googleServiceAccount -}}
{{- $_ := set $annotations "iam.gke.io/gcp-service-account" . -}}
{{- end -}}
{{- with $annotations }}{{ toYaml . }}{{ end -}}
{{- end }}

{{- define "roster.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else if .Values.image.requireDigest -}}
{{ fail "image.digest is empty, and this environment takes no tags: a tag can move after it was tested. Set image.digest to the sha256 that `cargo xtask image push` wrote to target/image.json." }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "roster.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.runAsUser }}
runAsGroup: {{ .Values.runAsUser }}
fsGroup: {{ .Values.runAsUser }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
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

{{- define "roster.tlsSecretName" -}}
{{ .Values.tls.secretName | default (printf "%s-tls" (include "roster.fullname" .)) }}
{{- end }}

{{/* Host of the Service, as the pods of the cluster name it. */}}
{{- define "roster.serviceHost" -}}
{{ include "roster.fullname" . }}.{{ .Release.Namespace }}.svc
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
    secretName: {{ .secretName }}
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
  restartPolicy: Always
  args:
    - --structured-logs
    - --port={{ $proxy.port }}
    - --health-check
    - --http-address=0.0.0.0
    - --http-port=9801
    {{- if $proxy.privateIp }}
    - --private-ip
    {{- end }}
    {{- if $proxy.iamAuthentication }}
    - --auto-iam-authn
    {{- end }}
    - {{ required "database.cloudSqlProxy.instanceConnectionName is empty: name the instance as project:region:instance." $proxy.instanceConnectionName | quote }}
  startupProbe:
    httpGet: {path: /startup, port: 9801}
    periodSeconds: 1
    failureThreshold: 60
  securityContext:
    {{- include "roster.containerSecurityContext" . | nindent 4 }}
  resources:
    {{- toYaml $proxy.resources | nindent 4 }}
{{- end }}

{{/* Outgoing traffic to names and to the database. */}}
{{- define "roster.databaseEgress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
- to:
    {{- range .Values.networkPolicy.databaseCidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    - {port: {{ .Values.networkPolicy.databasePort }}, protocol: TCP}
{{- if .Values.database.cloudSqlProxy.enabled }}
- ports:
    - {port: 443, protocol: TCP}
    - {port: 3307, protocol: TCP}
{{- end }}
{{- if or .Values.database.cloudSqlProxy.enabled .Values.serviceAccount.googleServiceAccount }}
- to:
    - ipBlock:
        cidr: 169.254.169.252/32
    - ipBlock:
        cidr: 169.254.169.254/32
  ports:
    - {port: 80, protocol: TCP}
    - {port: 987, protocol: TCP}
    - {port: 988, protocol: TCP}
{{- end }}
{{- end }}

{{- define "roster.hostname" -}}
{{ required "hostname is empty: the Gateway and the Ingress need the name that users call, such as service.example.com." .Values.hostname }}
{{- end }}

{{- define "roster.backendPort" -}}
{{ ternary .Values.service.tlsPort .Values.service.port .Values.tls.enabled }}
{{- end }}
