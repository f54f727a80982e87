//go:build tools

package kubo

import _ "github.com/ipfs/kubo/cmd/ipfs"
