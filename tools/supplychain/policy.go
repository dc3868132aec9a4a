package main

import (
	"fmt"
	"slices"
)

// linkedLicences are those that a module may have which ends up in the
// programs of our users: every duty of theirs is done by handing on the text
// and the notice, which each release does. Copyleft, also of single files as in
// MPL-2.0, would ask more of everyone who ships a worker.
var linkedLicences = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// testLicences are allowed besides for modules that only tests import. They
// are used as they are and never passed on, so that file-level copyleft asks
// nothing.
var testLicences = []string{"MPL-2.0"}

// check returns what is wrong with the licences of d, or nil.
func check(d *dependency) error {
	ids := d.licences()
	if len(ids) == 0 {
		return fmt.Errorf("%s %s: no licence file found", d.Path, d.Version)
	}
	for _, id := range ids {
		if slices.Contains(linkedLicences, id) || !d.Linked && slices.Contains(testLicences, id) {
			continue
		}
		where := "a module that only tests import"
		if d.Linked {
			where = "a module that users link"
		}
		return fmt.Errorf("%s %s: licence %s is not allowed in %s", d.Path, d.Version, id, where)
	}
	return nil
}
