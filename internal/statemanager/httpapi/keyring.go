package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
)

// A keyring is the digests of the keys that open the API. Keys are compared by
// their digests, every one of them and in constant time, so that the time of an
// response tells nothing of a key, its length or its place.
type keyring [][sha256.Size]byte

// newKeyring leaves out empty keys: no one may come in without one.
func newKeyring(keys []string) keyring {
	var k keyring
	for _, key := range keys {
		if key != "" {
			k = append(k, sha256.Sum256([]byte(key)))
		}
	}
	return k
}

func (k keyring) opens(key string) bool {
	digest := sha256.Sum256([]byte(key))
	found := 0
	for i := range k {
		found |= subtle.ConstantTimeCompare(k[i][:], digest[:])
	}
	return found == 1
}
