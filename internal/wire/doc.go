// Package wire is the codec of the v1 data model, in which everything that a
// node receives or returns is a flat JSON object of strings.
//
// [Compile] turns a struct type into a [Codec]: a plan of its wire fields, made
// once, by reflection, when a node is defined. Values are then decoded and
// encoded without reflection. [Scan] and [AppendString] are the two ends of the
// wire for those who do not know the type: the state manager, above all.
//
// It is the only package of the module that imports reflect.
package wire
