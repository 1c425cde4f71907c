{{/* Names and labels of the chart's objects. */}}

{{/* Value of app.kubernetes.io/name. The name of an aliased subchart is its alias. */}}
{{- define "roster.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
Prefix of every object's name: at most 40 characters, so that the longest suffix of the chart and those of the controllers fit into
63. A longer one keeps 31 characters and gets a hash of the whole, so that two releases never share a name. The name of a release
may contain the chart's; of a subchart that would not be unique, since the release has others.
*/}}
{{- define "roster.fullname" -}}
{{- $name := include "roster.name" . -}}
{{- $isChart := ternary (contains $name .Release.Name) (eq $name .Release.Name) (default false .Chart.IsRoot) -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) $isChart) -}}
{{- if not (regexMatch "^[a-z]" $full) -}}
{{- fail (printf "the objects' names would begin with %q, and the name of a Service begins with a letter: set fullnameOverride." $full) -}}
{{- end -}}
{{- if gt (len $full) 40 -}}
{{ printf "%s-%s" ($full | trunc 31 | trimSuffix "-") ($full | sha256sum | trunc 8) }}
{{- else -}}
{{ $full | trimSuffix "-" }}
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
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* YAML of several maps, given as a list, as one without duplicate keys; a later map wins. */}}
{{- define "roster.merge" -}}
{{- $all := dict -}}
{{- range . -}}{{- $all = mergeOverwrite $all (deepCopy (. | default dict)) -}}{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end }}

{{- define "roster.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "roster.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "roster.serviceAccountAnnotations" -}}
{{- $google := dict -}}
{{- with .Values.serviceAccount.googleServiceAccount -}}
{{- $google = dict "iam.gke.io/gcp-service-account" . -}}
{{- end -}}
{{ include "roster.merge" (list .Values.serviceAccount.annotations $google) }}
{{- end }}

{{- define "roster.tlsSecretName" -}}
{{ .Values.tls.secretName | default (printf "%s-tls" (include "roster.fullname" .)) }}
{{- end }}

{{- define "roster.gatewayTlsSecretName" -}}
{{ .Values.gateway.tlsSecretName | default (printf "%s-gateway-tls" (include "roster.fullname" .)) }}
{{- end }}

{{- define "roster.ingressTlsSecretName" -}}
{{ .Values.ingress.tlsSecretName | default (printf "%s-ingress-tls" (include "roster.fullname" .)) }}
{{- end }}

{{/* Host of the Service inside the cluster. */}}
{{- define "roster.serviceHost" -}}
{{ include "roster.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "roster.hostname" -}}
{{ required "hostname is empty: the Gateway and the Ingress need the name that users call, such as service.example.com." .Values.hostname }}
{{- end }}

{{/* cert-manager's annotation for an issuer: (dict "of" values "value" the values' path); none where the certificate exists. */}}
{{- define "roster.issuerAnnotation" -}}
{{- $issuer := .of.issuer -}}
{{- if or $issuer.name (not .of.tlsSecretName) -}}
cert-manager.io/{{ ternary "issuer" "cluster-issuer" (eq $issuer.kind "Issuer") }}: {{ required (printf "%s.issuer.name is empty: set it to cert-manager's issuer for the hostname's certificate, or set %s.tlsSecretName to a Secret with `tls.crt` and `tls.key` that exists." .value .value) $issuer.name }}
{{- end -}}
{{- end }}
