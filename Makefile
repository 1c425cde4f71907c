# One-line aliases of `cargo xtask …`, for fingers that type make. The commands themselves: cargo xtask --help
.PHONY: help dev test check doctor ci
help:   ; @cargo xtask --help
dev:    ; @cargo xtask dev
test:   ; @cargo xtask test
check:  ; @cargo xtask check
doctor: ; @cargo xtask doctor
ci:     ; @cargo xtask ci
