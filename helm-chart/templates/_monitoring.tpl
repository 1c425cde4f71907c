{{/* The rules and dashboards of rules/ and dashboards/, which are written for a release called `roster`, made this release's own. */}}

{{/* Value of the `job` label of this release's series. */}}
{{- define "roster.job" -}}
{{ .Values.monitoring.job | default (include "roster.fullname" .) }}
{{- end }}

{{/*
A PromQL expression with this release's matchers: (dict "expression" … "context" $). Constants are those of rules/*.yaml; the unit
tests and `cargo xtask check chart` fail when one is left.
*/}}
{{- define "roster.expression" -}}
{{- $context := .context -}}
{{- $name := include "roster.fullname" $context -}}
{{- $namespace := printf "namespace=%q" $context.Release.Namespace -}}
{{- $certificates := list (include "roster.tlsSecretName" $context) (include "roster.gatewayTlsSecretName" $context) (include "roster.ingressTlsSecretName" $context) | uniq -}}
{{- .expression
  | replace "job=\"roster\"" (printf "job=%q,%s" (include "roster.job" $context) $namespace)
  | replace "deployment=\"roster\"" (printf "deployment=%q,%s" $name $namespace)
  | replace "horizontalpodautoscaler=\"roster\"" (printf "horizontalpodautoscaler=%q,%s" $name $namespace)
  | replace "job_name=~\"roster-migration.*\"" (printf "job_name=%q,%s" (printf "%s-migration" $name) $namespace)
  | replace "container=\"roster\"" (printf "container=\"roster\",%s,pod=~\"%s-[0-9a-z]+-[0-9a-z]+\"" $namespace $name)
  | replace "{name=~\"roster.*\"}" (printf "{name=~\"%s\",%s}" (join "|" $certificates) $namespace)
  | replace "database_id=~\".*roster.*\"" (printf "database_id=~%q" $context.Values.monitoring.databaseId)
-}}
{{- end }}

{{/* Appended to a dashboard's uid, since Grafana knows each uid once however many releases there are. */}}
{{- define "roster.dashboardSuffix" -}}
{{- if .Values.monitoring.dashboards.enabled -}}
-{{ printf "%s/%s" .Release.Namespace (include "roster.fullname" .) | sha256sum | trunc 8 }}
{{- end -}}
{{- end }}

{{/* Annotations of a rule: (dict "annotations" … "context" $). Links lead to this installation's Grafana and runbooks. */}}
{{- define "roster.ruleAnnotations" -}}
{{- $annotations := deepCopy .annotations -}}
{{- $links := .context.Values.monitoring.links -}}
{{- if $links.grafana -}}
{{- $_ := set $annotations "dashboard_url" (printf "%s/d/%s%s" (trimSuffix "/" $links.grafana) (base $annotations.dashboard_url) (include "roster.dashboardSuffix" .context)) -}}
{{- else -}}
{{- $_ := unset $annotations "dashboard_url" -}}
{{- end -}}
{{- if $links.runbooks -}}
{{- $_ := set $annotations "runbook_url" (printf "%s/%s" (trimSuffix "/" $links.runbooks) (base $annotations.runbook_url)) -}}
{{- end -}}
{{ toYaml $annotations }}
{{- end }}

{{/* A dashboard's JSON: (dict "content" … "context" $). */}}
{{- define "roster.dashboard" -}}
{{- $dashboard := fromJson .content -}}
{{- $suffix := include "roster.dashboardSuffix" .context -}}
{{- $release := printf "%s/%s" .context.Release.Namespace (include "roster.fullname" .context) -}}
{{- $_ := set $dashboard "uid" (printf "%s%s" $dashboard.uid $suffix) -}}
{{- $_ := set $dashboard "title" (printf "%s (%s)" $dashboard.title $release) -}}
{{- range $dashboard.links -}}
{{- $_ := set . "url" (printf "%s%s" .url $suffix) -}}
{{- end -}}
{{- range $dashboard.templating.list -}}
{{- if eq .name "namespace" -}}
{{- $_ := set . "current" (dict "text" (list $.context.Release.Namespace) "value" (list $.context.Release.Namespace)) -}}
{{- else if eq .name "job" -}}
{{- $job := include "roster.job" $.context -}}
{{- $_ := set . "current" (dict "text" (list $job) "value" (list $job)) -}}
{{- end -}}
{{- end -}}
{{ toPrettyJson $dashboard }}
{{- end }}
