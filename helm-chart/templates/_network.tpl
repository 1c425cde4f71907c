{{/* Ports, addresses and who may reach whom. */}}

{{/* Port of an address such as `[::]:8080`. */}}
{{- define "roster.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end }}

{{- define "roster.apiPort" -}}
{{ include "roster.port" .Values.config.listen }}
{{- end }}

{{- define "roster.adminPort" -}}
{{ include "roster.port" .Values.config.adminListen }}
{{- end }}

{{/* All addresses of the pod, in the family that the service listens in. */}}
{{- define "roster.anyAddress" -}}
{{ ternary "::" "0.0.0.0" (hasPrefix "[" .Values.config.adminListen) }}
{{- end }}

{{- define "roster.backendPort" -}}
{{ ternary .Values.service.tlsPort .Values.service.port .Values.tls.enabled }}
{{- end }}

{{/* Whether a load balancer of GKE calls the pods: `true` or nothing. */}}
{{- define "roster.gkeFrontEnd" -}}
{{- if or (and .Values.gateway.enabled .Values.gateway.gke.enabled) (and .Values.ingress.enabled .Values.ingress.gke.enabled) }}true{{ end -}}
{{- end }}

{{/* Source ranges of Google's front ends and health checks, by the address family of the backends. */}}
{{- define "roster.googleSources" -}}
- ipBlock: {cidr: 35.191.0.0/16}
- ipBlock: {cidr: 130.211.0.0/22}
- ipBlock: {cidr: "2600:2d00:1:b029::/64"}
- ipBlock: {cidr: "2600:2d00:1:1::/64"}
{{- end }}

{{/* Port of a URL: the one it names, or the scheme's. */}}
{{- define "roster.urlPort" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host -}}
{{ $port | trimPrefix ":" | default (get (dict "https" "443" "http" "80" "udp" "514" "tcp" "601") $url.scheme) }}
{{- end }}

{{/* Outgoing traffic to the cluster's DNS. */}}
{{- define "roster.dnsEgress" -}}
{{- with .Values.networkPolicy.dns -}}
- to:
    {{- toYaml . | nindent 4 }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}
{{- end }}

{{/* Outgoing traffic to names and to the database. */}}
{{- define "roster.databaseEgress" -}}
{{ include "roster.dnsEgress" . }}
- to:
    {{- range .Values.networkPolicy.databaseCidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
  ports:
    - {port: {{ .Values.networkPolicy.databasePort }}, protocol: TCP}
{{- if .Values.database.cloudSqlProxy.enabled }}
- ports:
    - {port: 443, protocol: TCP}
    - {port: 3307, protocol: TCP}
{{- end }}
{{- if or .Values.database.cloudSqlProxy.enabled .Values.serviceAccount.googleServiceAccount }}
# GKE's metadata server, which hands out the service account's tokens.
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

{{/* Address families of a Service. Left out, they are the cluster's default. */}}
{{- define "roster.ipFamilies" -}}
{{- with .Values.service.ipFamilyPolicy -}}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
