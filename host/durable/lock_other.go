//go:build !unix

package durable

import "os"

// flock does nothing: this system is not known to hold a lock that ends with
// its process, so keeping other processes away is the operator's part.
func flock(*os.File) error { return nil }
