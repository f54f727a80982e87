//go:build tools

package toolchain

import _ "github.com/tinygo-org/tinygo"
