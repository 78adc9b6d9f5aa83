// SPDX-License-Identifier: Apache-2.0

// Package action is the build actions of kernels and modules: each unpacks what it is given below one of its outputs,
// runs Kbuild, and takes out what is declared. Outputs appear whole or not at all. An action whose context ends stops
// the programs that it has started.
package action
