@echo off
rem Stands in for the Azure CLI. It notes its arguments, and prints a token for the resource that they name.
set arguments=%*
echo %arguments%>>"%~dp0arguments.txt"
if not "%arguments:containerregistry=%"=="%arguments%" goto registry
type "%~dp0management.json"
exit /b 0
:registry
type "%~dp0registry.json"
