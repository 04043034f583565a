"""What checks found, in the forms that others read: JUnit XML and a page of HTML."""
