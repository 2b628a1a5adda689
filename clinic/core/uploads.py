from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


class BoundedUpload(FileUploadHandler):
    """Refuses a request that is too large before any of it is kept; the handlers after it keep the rest."""

    def handle_raw_input(self, input_data, meta, content_length, *rest):
        if content_length > settings.LARGEST_UPLOAD:
            raise RequestDataTooBig("The files of a request are too large.")

    def receive_data_chunk(self, raw_data, start):
        return raw_data

    def file_complete(self, file_size):
        return None
