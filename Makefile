# One-line aliases of `cargo xtask …`, for fingers that type make. The commands themselves: cargo xtask --help
.PHONY: help check
help: ; @cargo xtask --help
check: ; @cargo xtask check
